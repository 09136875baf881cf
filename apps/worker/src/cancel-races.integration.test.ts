import { connectForWork, LaneJobs, Scripts, TaskControl } from '@accepted/core'
import { createTask, readTask, until } from '@accepted/core/testing'
import { expect, inject, onTestFinished, test } from 'vitest'
import { TaskRunner } from './task-runner.ts'
import { scene } from './testing/scene.ts'

test('tasks that are canceled about the moment of claiming: none is lost, none completes and is undone', async () => {
  const made = new Map<string, number>()
  const undone = new Set<string>()
  const { store, runner, dependencies } = await scene(async ({ step, taskId: id }) => {
    const make = () => {
      made.set(id, (made.get(id) ?? 0) + 1)
    }
    const unmake = () => {
      made.set(id, (made.get(id) ?? 0) - 1)
      undone.add(id)
    }
    await step('one', make, { undo: unmake })
    await step('two', () => 2)
    return { sum: 1 }
  })
  // On a connection of its own, so that cancellations and claims meet in Redis in any order.
  const redis = connectForWork(inject('redisUrl'), store.log)
  onTestFinished(() => redis.disconnect())
  const jobs = new LaneJobs(redis, store.prefix, store.log)
  const scripts = new Scripts(redis, store.prefix, jobs)
  onTestFinished(() => jobs.close())
  const control = new TaskControl(scripts, 60_000, 60_000)

  let left = 2_000
  const answers = new Map<string, string>()
  const client = async () => {
    for (; left > 0; left -= 1) {
      const id = await createTask(store)
      for (let turn = left % 12; turn > 0; turn -= 1) await redis.ping()
      answers.set(id, (await control.cancel('default', id)).outcome)
    }
  }
  const rival = new TaskRunner(dependencies)
  const work = async (by: TaskRunner) => {
    while (left > 0) await by.runNext(0, 'test')
  }
  await Promise.all([
    ...Array.from({ length: 8 }, client),
    ...Array.from({ length: 12 }, (_, n) => work(n % 2 ? rival : runner)),
  ])
  await until(async () => !(await runner.runNext(0, 'test')))

  const counts = { completed: 0, canceled: 0, undone: 0 }
  for (const [id, answer] of answers) {
    const { status } = await readTask(store, id)
    // Whoever was told that it is canceled, or will be, was told the truth.
    expect(status).toBe(answer === 'ended' ? 'completed' : 'canceled')
    expect(made.get(id) ?? 0).toBe(status === 'completed' ? 1 : 0)
    counts[status as 'completed' | 'canceled'] += 1
    if (undone.has(id)) counts.undone += 1
  }
  for (const count of Object.values(counts)) expect(count, JSON.stringify(counts)).toBeGreaterThan(20)
  expect(await store.upkeep.laneState(0, 'test')).toMatchObject({ waiting: 0, running: 0 })
}, 60_000)
