import { expect, test } from 'vitest'
import { startProcess, withinLimits } from './processes.ts'

const FLOOD = 'bench/overload/flood.ts'
const never = () => new Promise<never>(() => {})

test('a measurement that does not come to its end is given up', async () => {
  expect(await withinLimits(10_000, async () => 1)).toBe(1)
  await expect(withinLimits(50, never)).rejects.toThrow('it takes longer than 0.05 s')
})

test('one whose process was ended in order goes on; one whose process ends by itself fails at once', async () => {
  const orderly = await startProcess(FLOOD, {})
  await orderly.end()
  expect(await withinLimits(10_000, async () => 1)).toBe(1)
  const { child } = await startProcess(FLOOD, {})
  const measured = withinLimits(10_000, never)
  child.kill('SIGKILL')
  await expect(measured).rejects.toThrow(`${FLOOD} ended by itself`)
})

test('a process that ends before it is up has not started', async () => {
  await expect(startProcess('bench/figures.ts', {})).rejects.toThrow('ended before it was up')
})
