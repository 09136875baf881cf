import { until } from '@accepted/core/testing'
import { expect, test } from 'vitest'
import { type AppProcess, type Stack, startStack } from './stack.ts'

const JSON_BODY = { 'content-type': 'application/json' }
const MUSTANG = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
const ENDED = ['completed', 'failed', 'canceled']

interface Task {
  task_id: string
  status: string
  reason: string | null
  resource: string | null
  workflow: Record<string, string>
  attempts: unknown[]
  started_at: string | null
  links: { rel: string; href: string; method: string }[]
}

/** What a client does with a stack. */
function client(ask: Stack['ask']) {
  const json = async (answer: Response) => (await answer.json()) as Task
  const read = async ({ task_id }: Task) => json(await ask(`/tasks/${task_id}`))
  const comes = (task: Task, to: (now: Task) => boolean, withinMs?: number) =>
    until(async () => {
      const now = await read(task)
      return to(now) && now
    }, withinMs)
  return {
    read,
    comes,
    ended: (task: Task, withinMs?: number) => comes(task, ({ status }) => ENDED.includes(status), withinMs),
    async start(path: string, body: string, headers = {}): Promise<Task> {
      const answer = await ask(path, { method: 'POST', headers: { ...JSON_BODY, ...headers }, body })
      expect(answer.status).toBe(202)
      return json(answer)
    },
    async follow(task: Task, rel: string): Promise<Response> {
      const { href, method } = task.links.find((link) => link.rel === rel)!
      return ask(href, { method })
    },
  }
}

function undone(workers: AppProcess[], task: Task): unknown[] {
  return workers
    .flatMap(({ log }) => log)
    .filter((line) => line.msg === 'step undone' && line.task === task.task_id)
    .map(({ step }) => step)
}

test('a car is canceled while it is built: what was finished is undone, newest first', async () => {
  // Long enough for a busy machine to see each step.
  const { ask, workers } = await startStack({ workers: 2, environment: { CAR_STEP_MS: '1000' } })
  const { start, comes, follow, ended } = client(ask)
  const task = await start('/cars', MUSTANG)
  const painting = await comes(task, ({ workflow }) => workflow.paint === 'in progress')
  const canceled = await follow(painting, 'cancel')
  expect(canceled.status).toBe(202)
  expect(await canceled.json()).toMatchObject({ status: 'canceling', reason: 'client' })
  await comes(task, ({ workflow }) => workflow.weld === 'reverting')
  expect((await ask(`/tasks/${task.task_id}/cancel`, { method: 'POST' })).status).toBe(202)
  expect(await ended(task)).toMatchObject({
    status: 'canceled',
    reason: 'client',
    resource: null,
    workflow: { stamp: 'reverted', weld: 'reverted', paint: 'failed' },
    attempts: [{ attempt: 1, error: { code: 'client' } }],
  })
  expect(undone(workers, task)).toEqual(['weld', 'stamp'])
  expect(await (await ask('/cars')).json()).toEqual([])
  expect((await ask(`/tasks/${task.task_id}/cancel`, { method: 'POST' })).status).toBe(409)
})

test('cancellations on the heels of their starts: none is lost, none both completes and is undone', async () => {
  const { ask, workers } = await startStack({ workers: 2, environment: { CAR_STEP_MS: '1' } })
  const { start, ended } = client(ask)
  const told: { task: Task; status: number }[] = []
  const one = async (n: number) => {
    for (let round = 0; round < 100; round += 1) {
      const task = await start('/cars', MUSTANG)
      await new Promise((resolve) => setTimeout(resolve, (round + n) % 10))
      const { status } = await ask(`/tasks/${task.task_id}/cancel`, { method: 'POST' })
      told.push({ task, status })
    }
  }
  await Promise.all([0, 1, 2, 3].map(one))
  const counts = { completed: 0, canceled: 0, undone: 0 }
  for (const { task, status: answer } of told) {
    const { status } = await ended(task, 30_000)
    expect(status).toBe(answer === 202 ? 'canceled' : 'completed')
    const steps = undone(workers, task)
    if (status === 'completed') expect(steps).toEqual([])
    counts[status as 'completed' | 'canceled'] += 1
    if (steps.length > 0) counts.undone += 1
  }
  for (const count of Object.values(counts)) expect(count, JSON.stringify(counts)).toBeGreaterThan(4)
  const built = (await (await ask('/cars?limit=200')).json()) as unknown[]
  expect(built).toHaveLength(Math.min(200, counts.completed))
}, 60_000)

test('a worker that is killed in the middle of undoing is followed by another', async () => {
  const { ask, workers } = await startStack({ workers: 2, environment: { CAR_STEP_MS: '400' } })
  const { start, comes, follow, ended } = client(ask)
  const task = await start('/cars', MUSTANG)
  await follow(await comes(task, ({ workflow }) => workflow.paint === 'in progress'), 'cancel')
  await comes(task, ({ workflow }) => workflow.stamp === 'reverting')
  // What a worker logs comes by a pipe, which may be slower than an answer.
  const holder = await until(async () =>
    workers.find(({ log }) => log.some(({ msg }) => msg === 'undoing started')),
  )
  await holder.end('SIGKILL')
  expect(await ended(task, 20_000)).toMatchObject({
    status: 'canceled',
    reason: 'client',
    workflow: { stamp: 'reverted', weld: 'reverted' },
  })
  const other = workers.find((worker) => worker !== holder)!
  await expect.poll(() => undone([other], task)).toEqual(['stamp'])
  expect(undone([holder], task)).toEqual(['weld'])
}, 60_000)

test('a worker that stood still while its car was undone leaves no car behind when it goes on', async () => {
  const { ask, workers, startWorker } = await startStack({ environment: { CAR_STEP_MS: '800' } })
  const { start, comes, follow, ended } = client(ask)
  const task = await start('/cars', MUSTANG)
  const painting = await comes(task, ({ workflow }) => workflow.paint === 'in progress')
  workers[0]!.child.kill('SIGSTOP')
  await follow(painting, 'cancel')
  startWorker()
  expect(await ended(task, 30_000)).toMatchObject({ status: 'canceled', workflow: { paint: 'reverted' } })
  workers[0]!.child.kill('SIGCONT')
  await until(async () =>
    workers[0]!.log.some(({ msg }) => msg === 'fenced off: another worker has the task'),
  )
  expect(await (await ask('/cars')).json()).toEqual([])
}, 60_000)

test('a deadline holds while every worker is dead, and takes effect when one comes back', async () => {
  const { ask, workers, startWorker } = await startStack({ environment: { CAR_STEP_MS: '300' } })
  const { start, read, comes, ended } = client(ask)
  const begun = await start('/cars', MUSTANG, { 'cancel-after': '1s' })
  await comes(begun, ({ workflow }) => workflow.stamp === 'finished')
  const waiting = await start('/cars', MUSTANG, { 'cancel-after': '1s' })
  await workers[0]!.end('SIGKILL')
  const { deadline } = (await read(waiting)) as Task & { deadline: string }
  await until(async () => Date.now() > Date.parse(deadline) + 50)
  expect(await read(begun)).toMatchObject({ status: 'running' })
  const successor = startWorker()
  expect(await ended(waiting, 20_000)).toMatchObject({ status: 'canceled', reason: 'deadline' })
  expect(await ended(begun, 20_000)).toMatchObject({
    status: 'canceled',
    reason: 'deadline',
    workflow: { stamp: 'reverted' },
  })
  expect(undone([successor], begun)).toContain('stamp')
}, 60_000)

test('a car is reserved, and the reservation confirmed', async () => {
  const { ask } = await startStack({ environment: { CAR_STEP_MS: '1' } })
  const { start, comes, follow, ended, read } = client(ask)
  const { resource: car } = await ended(await start('/cars', MUSTANG))
  const task = await start(`${car}/reservations`, '{"customer":"Zoë"}')
  const awaiting = await comes(task, ({ status }) => status === 'awaiting_confirmation')
  expect(awaiting).toMatchObject({
    result: { customer: 'Zoë' },
    resource: `${car}/reservations/${task.task_id}`,
  })
  expect(awaiting.links.map(({ rel }) => rel)).toEqual([
    'self',
    'events',
    'confirm',
    'cancel',
    'reservations',
  ])
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: 'Zoë' })

  const rival = await ended(await start(`${car}/reservations`, '{}'))
  expect(rival).toMatchObject({
    status: 'failed',
    reason: 'permanent_error',
    error: { code: 'car_already_reserved' },
  })

  const confirmed = await follow(awaiting, 'confirm')
  expect(confirmed.status).toBe(200)
  expect(await confirmed.json()).toMatchObject({ status: 'completed', reason: null, progress: 100 })
  const answer = await ask(`/tasks/${task.task_id}`)
  expect(answer.status).toBe(303)
  const reservation = await ask(answer.headers.get('location')!)
  expect(await reservation.json()).toMatchObject({ customer: 'Zoë', reservation_id: task.task_id })
  expect((await ask(`/tasks/${task.task_id}/confirm`, { method: 'POST' })).status).toBe(409)
  expect(await read(task)).toMatchObject({ status: 'completed' })
})

test('a reservation that is canceled frees the car; one of no car fails', async () => {
  const { ask } = await startStack({ environment: { CAR_STEP_MS: '1' } })
  const { start, comes, follow, ended } = client(ask)
  const { resource: car } = await ended(await start('/cars', MUSTANG))
  const task = await start(`${car}/reservations`, '{}')
  const awaiting = await comes(task, ({ status }) => status === 'awaiting_confirmation')
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: task.task_id })
  const canceled = await follow(awaiting, 'cancel')
  expect(await canceled.json()).toMatchObject({ status: 'canceling', result: null, resource: null })
  expect(await ended(task)).toMatchObject({ status: 'canceled', workflow: { hold: 'reverted' } })
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: null })
  expect((await ask(awaiting.resource!)).status).toBe(404)

  const none = await start(`${car!.slice(0, -4)}ffff/reservations`, '{}')
  expect(await ended(none)).toMatchObject({ status: 'failed', error: { code: 'no_such_car' } })
})

test('a reservation that is not confirmed within 15 minutes is canceled, and the car is free again', async () => {
  const { ask, workers, passTime } = await startStack({ workers: 2, environment: { CAR_STEP_MS: '1' } })
  const { start, comes, ended, read } = client(ask)
  const { resource: car } = await ended(await start('/cars', MUSTANG))
  const task = await start(`${car}/reservations`, '{"customer":"Zoë"}')
  await comes(task, ({ status }) => status === 'awaiting_confirmation')
  await passTime(14 * 60_000)
  expect(await read(task)).toMatchObject({ status: 'awaiting_confirmation', reason: null })
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: 'Zoë' })

  await passTime(60_000)
  expect(await ended(task)).toMatchObject({
    status: 'canceled',
    reason: 'unconfirmed',
    error: { code: 'unconfirmed' },
    result: null,
    resource: null,
    workflow: { hold: 'reverted' },
  })
  expect(undone(workers, task)).toEqual(['hold'])
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: null })
  const late = await ask(`/tasks/${task.task_id}/confirm`, { method: 'POST' })
  expect([late.status, await late.json()]).toMatchObject([
    409,
    { code: 'already_ended', task_status: 'canceled' },
  ])

  const next = await start(`${car}/reservations`, '{"customer":"Yara"}')
  await comes(next, ({ status }) => status === 'awaiting_confirmation')
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: 'Yara' })
})

test('a car of priority 0 is built before all that waited already', async () => {
  const environment = { CAR_STEP_MS: '50', WORKER_CONCURRENCY: '1' }
  const { ask, startWorker } = await startStack({ workers: 0, environment })
  const { start, ended } = client(ask)
  const usual: Task[] = []
  for (let n = 0; n < 4; n += 1) usual.push(await start('/cars', MUSTANG))
  const urgent = await start('/cars', MUSTANG, { 'task-priority': '0' })
  expect(urgent).toMatchObject({ priority: 0, queue_position: 0 })
  startWorker()
  startWorker()

  const { started_at } = await ended(urgent)
  for (const task of usual) {
    const overtaken = await ended(task)
    // The second worker may take the next in the same millisecond.
    expect(Date.parse(overtaken.started_at!)).toBeGreaterThanOrEqual(Date.parse(started_at!))
  }
})

test('a reservation that is still awaiting confirmation at its deadline frees the car', async () => {
  const { ask } = await startStack({ environment: { CAR_STEP_MS: '1' } })
  const { start, comes, ended } = client(ask)
  const { resource: car } = await ended(await start('/cars', MUSTANG))
  const task = await start(`${car}/reservations`, '{}', { 'cancel-after': '1s' })
  await comes(task, ({ status }) => status === 'awaiting_confirmation')
  expect(await ended(task)).toMatchObject({ status: 'canceled', reason: 'deadline' })
  expect(await (await ask(car!)).json()).toMatchObject({ reserved_by: null })
})
