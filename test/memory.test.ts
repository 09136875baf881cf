import { until } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { startStack } from './stack.ts'

const MUSTANG = { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' }

test('a store that is full lets what ended first go before its time, and says so', async () => {
  const { ask, workers, url } = await startStack({ environment: { MAX_STORED_BYTES: '4000' } })
  const build = async () => {
    const answer = await ask('/cars', {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'wait=30' },
      body: JSON.stringify(MUSTANG),
    })
    expect(answer.status).toBe(303)
    return ((await answer.json()) as { task_id: string }).task_id
  }
  const first = await build()
  const later = [await build(), await build(), await build()]
  await until(async () => (await ask(`/tasks/${first}`)).status === 410)
  expect((await ask(`/tasks/${later.at(-1)}`)).status).toBe(303)

  let text = ''
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
  await until(async () => {
    // Not by `ask`: it is the process that counts here.
    text = await (await fetch(`${url}/metrics`)).text()
    return value('accepted_stored_bytes') <= 4000
  })
  expect(value('accepted_tasks_expired_total\\{cause="bytes"\\}')).toBeGreaterThan(0)
  expect(value('accepted_tasks_ended_total\\{operation="car.build",status="completed",reason=""\\}')).toBe(4)
  expect(value('accepted_tick_age_seconds')).toBeLessThan(10)
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThan(0)
  const told = () => workers[0]!.log.filter(({ msg }) => msg.includes('MAX_STORED_BYTES'))
  await until(async () => told().length > 0)
  expect(told()).toHaveLength(1)
})
