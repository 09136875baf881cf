import { type OperationContract, redeliverCallbacks } from '@accepted/contract'
import { limitsOf, type Verdict } from '@accepted/core'
import {
  calledBack,
  claimTask,
  createdId,
  createTask,
  loseWorker,
  readTask,
  submission,
  type TestStore,
  testStore,
  until,
} from '@accepted/core/testing'
import { resourceSpace } from '@accepted/operations'
import { expect, test } from 'vitest'
import { TaskRunner } from '../task-runner.ts'
import { recoveryOperation } from './recovery.ts'

const contract = redeliverCallbacks as unknown as OperationContract
const attempt = { atMs: 0, httpStatus: 500, error: 'it answered 500', durationMs: 1 }
const FAILED = { follows: 'failed', attempt, health: 'so_so' } as Verdict & { follows: 'failed' }
const DELIVERED: Verdict = {
  follows: 'delivered',
  attempt: { ...attempt, httpStatus: 200, error: null },
  health: 'well',
}

/** A store in which deliveries have failed. */
async function withFailed(
  count: number,
  origin = 'https://shop.example',
  { store = testStore(), verdict = FAILED } = {},
) {
  for (let n = 0; n < count; n += 1) {
    createdId(await store.submissions.create(calledBack({ url: `${origin}/hook` })))
    const ending = { status: 'completed', reason: null, result: '{}', resource: null, error: null } as const
    await store.work.end(await claimTask(store), ending)
    await store.outbox.settle((await store.outbox.take(0))!, verdict)
  }
  return store
}

/** Asks for a recovery, of all that has failed if the input says no less. */
async function askedFor(store: TestStore, input: object = {}): Promise<string> {
  const { name: operation, lane } = contract
  const all = { since: '2020-01-01T00:00:00Z', until: '2120-01-01T01:00:00+01:00', status: 'failed' }
  return createTask(store, {
    operation,
    lane,
    head: { ...submission().head, steps: [] },
    limits: limitsOf(contract),
    body: JSON.stringify({ ...all, ...input }),
  })
}

function runnerOf(store: TestStore): TaskRunner {
  return new TaskRunner({
    work: store.work,
    operations: new Map([[contract.name, recoveryOperation(store.deliveries)]]),
    resourcesOf: (tenant) => resourceSpace(store.redis, store.prefix, tenant),
    environment: {},
    log: store.log,
    random: () => 0,
  })
}

/** Tries all that is to be tried now; resolves to their ids. */
async function tryAll({ outbox }: TestStore, verdict: Verdict): Promise<string[]> {
  const tried: string[] = []
  for (let held = await outbox.take(0); held; held = await outbox.take(0)) {
    tried.push(held.deliveryId)
    await outbox.settle(held, verdict)
  }
  return tried
}

/** Tries what becomes ready, as workers would, until a run is over. */
async function tryUntil(run: Promise<unknown>, store: TestStore, verdict: Verdict) {
  const tried: string[] = []
  let mostWaiting = 0
  let over = false
  run.then(() => {
    over = true
  })
  while (!over) {
    const [endpoint] = await store.deliveries.endpoints('default')
    mostWaiting = Math.max(mostWaiting, endpoint!.waiting)
    tried.push(...(await tryAll(store, verdict)))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  tried.push(...(await tryAll(store, verdict)))
  return { tried, mostWaiting }
}

test('a recovery gives its endpoint no more than may wait there, tells how far it is, and how many there were', async () => {
  const store = await withFailed(25)
  const taskId = await askedFor(store)
  const run = runnerOf(store).runNext(0, contract.lane)
  await until(async () => (await readTask(store, taskId)).progress === 40)
  const { tried, mostWaiting } = await tryUntil(run, store, DELIVERED)
  expect(mostWaiting).toBe(10)
  expect([tried.length, new Set(tried).size]).toEqual([25, 25])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed', result: '{"redelivered":25}' })
})

test('what fails again is not tried again', async () => {
  const store = await withFailed(12)
  const taskId = await askedFor(store)
  const { tried } = await tryUntil(runnerOf(store).runNext(0, contract.lane), store, FAILED)
  expect(tried).toHaveLength(12)
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed', result: '{"redelivered":12}' })
})

test('a recovery whose worker is lost goes on where it was', async () => {
  const store = await withFailed(25)
  const taskId = await askedFor(store)
  const lost = runnerOf(store)
  const lostRun = lost.runNext(0, contract.lane)
  const before = await until(async () => {
    const tried = await tryAll(store, FAILED)
    return tried.length > 0 && tried
  })
  await loseWorker(store, taskId)
  await lost.renew()
  await lostRun
  const after = await tryUntil(runnerOf(store).runNext(0, contract.lane), store, FAILED)
  const tried = [...before, ...after.tried]
  expect([tried.length, new Set(tried).size]).toEqual([25, 25])
  expect(await readTask(store, taskId)).toMatchObject({ status: 'completed', result: '{"redelivered":25}' })
})

test('an endpoint that is not well is waited for, while another is served', async () => {
  const store = await withFailed(5, 'https://dead.example', { verdict: { ...FAILED, health: 'ill' } })
  await withFailed(1, 'https://shop.example', { store })
  const taskId = await askedFor(store)
  const runner = runnerOf(store)
  const run = runner.runNext(0, contract.lane)
  const tried = await until(async () => {
    const some = await tryAll(store, DELIVERED)
    return some.length > 0 && some
  })
  expect(tried).toHaveLength(1)
  await new Promise((resolve) => setTimeout(resolve, 600))
  const dead = (await store.deliveries.endpoints('default')).find(({ origin }) => origin.includes('dead'))
  expect(dead).toMatchObject({ breaker: 'open', waiting: 1 })
  expect(await readTask(store, taskId)).toMatchObject({ status: 'running', progress: 33 })

  await store.control.cancel('default', taskId)
  runner.cancel(taskId)
  await run
  expect(await readTask(store, taskId)).toMatchObject({ status: 'canceled' })
})

test('a recovery may be of one endpoint, and of a time', async () => {
  const store = await withFailed(2, 'https://dead.example')
  await withFailed(1, 'https://shop.example:8443', { store })
  const one = await askedFor(store, { endpoint: 'HTTPS://SHOP.example:8443/' })
  const none = await askedFor(store, { until: '2020-01-01T00:00:01Z' })
  const runner = runnerOf(store)
  await runner.runNext(0, contract.lane)
  await runner.runNext(0, contract.lane)
  expect(await readTask(store, one)).toMatchObject({ result: '{"redelivered":1}' })
  expect(await readTask(store, none)).toMatchObject({ result: '{"redelivered":0}' })
})
