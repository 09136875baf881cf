import { equal, ok, deepEqual as same } from 'node:assert/strict'
import type { TaskStatus } from '@accepted/contract'
import { submission } from '../../testing/index.ts'
import { TaskControl } from '../control.ts'
import type { TaskReader } from '../reader.ts'
import type { Scripts } from '../scripts.ts'
import { Submissions } from '../submissions.ts'
import { GRACE_MS, type Model, RETENTION_MS, RUN_MS, TOMBSTONE_MS } from './model.ts'
import { isOpen, type Kind, type ModelTask, STEPS } from './model-task.ts'
import { pictureOf, viewOf } from './views.ts'

const NO_LIMITS: Kind = { maxAttempts: 3, startMs: null, totalMs: null, confirmMs: null }
/** What tasks there are. */
export const KINDS: Kind[] = [
  NO_LIMITS,
  { ...NO_LIMITS, confirmMs: 38_000 },
  { ...NO_LIMITS, maxAttempts: 2, startMs: 24_000, totalMs: 64_000 },
  { ...NO_LIMITS, maxAttempts: 1, totalMs: 44_000, confirmMs: 38_000 },
]
export const TENANTS = ['north', 'south']

/** What a client asks for. */
export interface Wish {
  tenant: number
  kind: number
  priority: number
  /** An Idempotency-Key. */
  key: number | null
}

/** Clients of two tenants; what they are answered is foretold by the picture. */
export class Clients {
  readonly #model: Model
  readonly #reader: TaskReader
  readonly #submissions: Submissions
  readonly #control: TaskControl

  constructor(model: Model, scripts: Scripts, reader: TaskReader) {
    this.#model = model
    this.#reader = reader
    this.#submissions = new Submissions(scripts)
    this.#control = new TaskControl(scripts, RETENTION_MS, TOMBSTONE_MS)
  }

  async create({ tenant, kind, priority, key }: Wish): Promise<void> {
    const name = TENANTS[tenant]!
    const { maxAttempts: attempts, ...limits } = KINDS[kind]!
    const usual = submission()
    const outcome = await this.#submissions.create({
      ...usual,
      tenant: name,
      priority,
      head: { ...usual.head, steps: STEPS },
      limits: { ...limits, attempts, runMs: RUN_MS, graceMs: GRACE_MS },
      ...(key === null ? {} : { idempotency: { key: `key ${key}`, fingerprint: `${kind}-${priority}` } }),
    })
    const known = key === null ? undefined : this.#model.keys.get(`${name} ${key}`)
    if (known && known.fingerprint !== `${kind}-${priority}`) same(outcome, { outcome: 'conflict' })
    else if (known) same(outcome, { outcome: 'exists', taskId: known.task.id })
    else {
      ok(outcome.outcome === 'created')
      const task = this.#model.create(outcome.task.taskId, name, priority, KINDS[kind]!)
      if (key !== null) this.#model.keys.set(`${name} ${key}`, { task, fingerprint: `${kind}-${priority}` })
      same(await this.#reader.read(name, task.id), {
        outcome: 'task',
        task: outcome.task,
        position: outcome.position,
      })
    }
  }

  async cancel(task: ModelTask, foreign: boolean): Promise<void> {
    const outcome = await this.#control.cancel(callerOf(task, foreign), task.id)
    if (this.#told(task, foreign, outcome)) return
    if (!isOpen(task)) return same(outcome, { outcome: 'ended', status: task.status })
    if (task.status !== 'canceling') this.#model.cancel(task, 'client')
    ok(outcome.outcome === 'canceling' || outcome.outcome === 'canceled')
    equal(outcome.outcome, isOpen(task) ? 'canceling' : 'canceled')
    same(viewOf(outcome.task), pictureOf(task))
  }

  async confirm(task: ModelTask, foreign: boolean): Promise<void> {
    const outcome = await this.#control.confirm(callerOf(task, foreign), task.id)
    if (this.#told(task, foreign, outcome)) return
    const awaiting = task.status === 'awaiting_confirmation'
    if (!awaiting || !this.#model.confirm(task)) {
      return same(outcome, { outcome: isOpen(task) ? 'not_awaiting' : 'ended', status: task.status })
    }
    ok(outcome.outcome === 'confirmed')
    same(viewOf(outcome.task), pictureOf(task))
  }

  async delete(task: ModelTask, foreign: boolean): Promise<void> {
    const outcome = await this.#control.delete(callerOf(task, foreign), task.id)
    if (this.#told(task, foreign, outcome)) return
    if (isOpen(task)) return same(outcome, { outcome: 'open', status: task.status })
    same(outcome, { outcome: 'deleted' })
    task.dies = this.#model.clock + TOMBSTONE_MS
  }

  async read(): Promise<void> {
    const waiting = this.#model.tasks.filter(({ place }) => place === 'flow').length
    for (const task of this.#model.tasks) {
      const outcome = await this.#reader.read(task.tenant, task.id)
      if (this.#told(task, false, outcome)) continue
      ok(outcome.outcome === 'task')
      same(viewOf(outcome.task), pictureOf(task))
      const { position } = outcome
      if (task.status === 'pending' && task.place === 'flow') ok(position! >= 0 && position! < waiting)
      else equal(position, null)
    }
  }

  async list(tenant: number, status: TaskStatus | null): Promise<void> {
    const { tasks } = await this.#reader.list(TENANTS[tenant]!, status ? { status } : {}, 200)
    const listed = this.#model.tasks
      .filter((task) => task.tenant === TENANTS[tenant] && (status === null || task.status === status))
      .filter((task) => isOpen(task) || (task.dies === null && this.#model.clock < task.expires))
    same(
      tasks.map(({ taskId }) => taskId),
      listed.map(({ id }) => id).reverse(),
    )
  }

  /** Whether a task's record is gone, or never was this tenant's; if so, checks that just this was told. */
  #told(task: ModelTask, foreign: boolean, outcome: { outcome: string; tombstone?: unknown }): boolean {
    const { clock } = this.#model
    const gone = !isOpen(task) && (task.dies !== null || clock >= task.expires)
    const dead = clock >= (task.dies ?? task.expires + TOMBSTONE_MS)
    if (foreign || (gone && dead && outcome.outcome === 'unknown')) {
      same(outcome, { outcome: 'unknown' })
      return true
    }
    if (!gone) return false
    // Unless it was deleted, it depends on the sweep when its tombstone dies.
    ok(!dead || task.dies === null)
    equal(outcome.outcome, 'gone')
    const { status, reason, resource } = outcome.tombstone as Record<string, unknown>
    same([status, reason], [task.status, task.reason])
    equal(resource, task.status === 'completed' ? '/things/1' : null)
    return true
  }
}

/** Whose word it is: another tenant's, if it is foreign. */
function callerOf({ tenant }: ModelTask, foreign: boolean): string {
  return foreign ? TENANTS.find((other) => other !== tenant)! : tenant
}
