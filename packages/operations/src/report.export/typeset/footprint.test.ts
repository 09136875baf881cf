import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import type { Footprint } from './testing/footprint.ts'

const program = fileURLToPath(new URL('./testing/footprint.ts', import.meta.url))
const mebibyte = 2 ** 20

it('a report of 50,000 orders in all scripts leaves room for the rest of the process', {
  timeout: 120_000,
}, async () => {
  // As a worker is started: without it, V8 lets the young generation grow with the memory of the machine.
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--max-semi-space-size=8',
    program,
    '50000',
  ])
  const footprint: Footprint = JSON.parse(stdout)
  expect(footprint.sizeBytes).toBeLessThan(16 * mebibyte)
  expect(footprint.peakBytes).toBeLessThan(250 * mebibyte)
  expect(footprint.longestTurnMs).toBeLessThan(100)
})
