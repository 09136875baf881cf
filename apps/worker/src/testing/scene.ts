import { defineOperation } from '@accepted/contract'
import type { Submission } from '@accepted/core'
import { createTask, testStore } from '@accepted/core/testing'
import { type HandlerContext, handle, resourceSpace } from '@accepted/operations'
import { Type } from 'typebox'
import { TaskRunner } from '../task-runner.ts'

/** What the handler of the test's operation is given. */
export type Context = HandlerContext<{ n: number; unit: string }, 'one' | 'two', { PACE: number }>

const contract = defineOperation({
  name: 'test.run',
  route: 'POST /tests',
  summary: 'A test',
  input: Type.Object({ n: Type.Integer(), unit: Type.String({ default: 'mm' }) }),
  output: Type.Object({ sum: Type.Number() }, { additionalProperties: false }),
  steps: ['one', 'two'],
  lane: 'test',
  backoff: { firstMs: 10, maxMs: 20 },
  undoAttempts: 3,
  settings: Type.Object({ PACE: Type.Integer({ default: 7 }) }),
})

/** A runner whose one operation does what the test says, on a task that waits. */
export async function scene(
  run: (context: Context) => Promise<unknown>,
  { environment = {}, ...changes }: Partial<Submission> & { environment?: Record<string, string> } = {},
) {
  const store = testStore()
  const operation = handle(contract, run as never)
  const dependencies = {
    work: store.work,
    operations: new Map([['test.run', operation]]),
    resourcesOf: (tenant: string) => resourceSpace(store.redis, store.prefix, tenant),
    environment,
    log: store.log,
    random: () => 0,
  }
  const runner = new TaskRunner(dependencies)
  const taskId = await createTask(store, changes)
  return { store, runner, taskId, dependencies, operation }
}

/** Resolves when the signal fires, as a handler would that heeds it; rejects as such do. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** A handler of two steps with undos, which tells what it does, then goes on as the test says. */
export function saga(calls: string[], then: (context: Context) => Promise<unknown>) {
  return async (context: Context) => {
    for (const name of ['one', 'two'] as const) {
      const make = () => {
        calls.push(name)
        return `made ${name}`
      }
      await context.step(name, make, { undo: (outcome) => void calls.push(`undo ${name}: ${outcome}`) })
    }
    return then(context)
  }
}
