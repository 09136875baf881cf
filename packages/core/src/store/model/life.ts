import { equal, ok, deepEqual as same } from 'node:assert/strict'
import type { LaneJobs } from '../../lane-jobs.ts'
import { type Contents, contentsOf, passTime, type TestStore } from '../../testing/index.ts'
import { TaskReader } from '../reader.ts'
import type { TaskRecord } from '../record.ts'
import { Scripts } from '../scripts.ts'
import { Upkeep } from '../upkeep.ts'
import type { Action } from './actions.ts'
import { Clients, TENANTS, type Wish } from './clients.ts'
import { checkContents, checkHistory, checkTurns, type Seen } from './invariants.ts'
import { Model, RETENTION_MS, TOMBSTONE_MS } from './model.ts'
import { isOpen } from './model-task.ts'
import { pictureOf, viewOf } from './views.ts'
import { Workers } from './workers.ts'

const LANE = 'test'
const TERMS = { retentionMs: RETENTION_MS, tombstoneMs: TOMBSTONE_MS, maxStoredBytes: 0 }

function byEnd(a: TaskRecord, b: TaskRecord): number {
  return a.finishedMs! - b.finishedMs!
}

/** Whoever ends an attempt takes the next task by the job that it has; one that stops hands its job on. */
const HAS_A_JOB = new Set<Action['act']>(['end', 'retry', 'release', 'bounce'])

/** A store and the picture of it side by side: each act is done to both, and what they come to is compared. */
export class Life {
  readonly model = new Model()
  readonly #store: TestStore
  readonly #clients: Clients
  readonly #workers: Workers
  readonly #upkeep: Upkeep
  readonly #seen: Seen = new Map()
  #jobs = 0
  #passedMs = 0
  #again: (() => Promise<void>) | null = null
  readonly #allKnowCaps: boolean

  /**
   * @param scriptsOf made with who is told what jobs are wanted
   * @param allKnowCaps else programs of a release that knows none of running caps are among them
   */
  constructor(
    store: TestStore,
    scriptsOf = (jobs: Pick<LaneJobs, 'add'>) => new Scripts(store.redis, store.prefix, jobs),
    allKnowCaps = true,
  ) {
    this.#store = store
    this.#allKnowCaps = allKnowCaps
    const counter: Pick<LaneJobs, 'add'> = {
      add: (_shard, _lane, count) => {
        this.#jobs += count
      },
    }
    const scripts = scriptsOf(counter)
    const reader = new TaskReader(scripts)
    this.#clients = new Clients(this.model, scripts, reader)
    this.#workers = new Workers(this.model, scripts, reader, () => this.check(), allKnowCaps)
    this.#upkeep = new Upkeep(scripts, counter as LaneJobs)
  }

  /** Does one action, if there is what it acts on, and checks all. @throws {AssertionError} */
  async act(action: Action): Promise<void> {
    const go = this.#actOf(action)
    if (!go) return
    const claimable = action.act === 'limit' ? await this.#tasksWithTurns() : this.model.claimableTasks()
    this.#jobs = HAS_A_JOB.has(action.act) ? 1 : 0
    await go()
    if (action.act !== 'again') this.#again = go
    if (this.#allKnowCaps && this.model.claimableTasks() > claimable)
      ok(this.#jobs > 0, 'what becomes claimable asks for a job')
    await this.check()
  }

  /** Waiting tasks of flows that are not held: whether or not their caps let them run, others than the tick see to their jobs. */
  async #tasksWithTurns(): Promise<number> {
    const contents = await contentsOf(this.#store)
    const flows = [...contents.map(`turns:${LANE}`).keys()]
    return flows.reduce((sum, flow) => sum + contents.map(`flow:${LANE}:${flow}`).size, 0)
  }

  /** Compares all that the store keeps with the picture. @throws {AssertionError} */
  async check(): Promise<Contents> {
    const contents = await contentsOf(this.#store)
    const { model } = this
    for (const task of model.tasks) {
      const record = contents.open.get(task.id) ?? contents.done.get(task.id)
      if (record && isOpen(task)) equal(Number(contents.field(task.id, 'undos') ?? 0), task.undos)
      if (record) same(viewOf(record), pictureOf(task))
      else ok(!isOpen(task) && (task.dies !== null || model.clock >= task.expires), 'a record is there')
    }
    equal(contents.open.size, model.tasks.filter(isOpen).length)
    checkContents(contents)
    checkTurns(contents, this.#allKnowCaps)
    checkHistory(contents, this.#passedMs, this.#seen)
    return contents
  }

  #actOf(action: Action): (() => Promise<void>) | null {
    const clients = this.#clients
    const workers = this.#workers
    const held = 'held' in action ? workers.pick(action.held, action.lost) : null
    const task = 'task' in action ? this.model.tasks.at(-1 - (action.task % this.model.tasks.length)) : null
    switch (action.act) {
      case 'create':
        return () => clients.create(action)
      case 'begin':
        return () => this.#begin(action)
      case 'claim':
        return () => workers.claim(action.worker, action.most)
      case 'step':
        return held && workers.step(held, action.how, action.whole)
      case 'progress':
        return held && (() => workers.progress(held, action.percent))
      case 'retry':
        return held && (() => workers.retry(held, action.delayMs))
      case 'release':
        return held && (() => workers.release(held))
      case 'bounce':
        return held && (() => workers.bounce(held, action.times))
      case 'end':
        return held && workers.end(held, action.ending)
      case 'renew':
        return () => workers.renew(action.worker)
      case 'cancel':
        return task ? () => clients.cancel(task, action.foreign) : null
      case 'confirm':
        return task ? () => clients.confirm(task, action.foreign) : null
      case 'delete':
        return task ? () => clients.delete(task, action.foreign) : null
      case 'read':
        return () => clients.read()
      case 'list':
        return () => clients.list(action.tenant, action.status)
      case 'pass':
        return () => this.#pass(action.seconds * 1000, action.watched)
      case 'crash':
        return () => this.#crash(action.survivor, action.times)
      case 'tick':
        return () => this.#tick()
      case 'squeeze':
        return () => this.#squeeze(action.keep)
      case 'limit':
        return () => this.#limit(TENANTS[action.tenant]!, action.running)
      case 'again':
        return this.#again
    }
  }

  async #pass(ms: number, watched: boolean): Promise<void> {
    await passTime(this.#store, ms, { watched })
    this.#passedMs += ms
    this.model.passTime(ms, watched)
  }

  /** A task is created and begun: something is finished that has an undo. */
  async #begin(wish: Wish): Promise<void> {
    await this.#clients.create(wish)
    await this.check()
    await this.#workers.claim(wish.tenant, 1)
    const held = this.#workers.pick(0, false)
    if (held) await this.#workers.step(held, 'undoable', true)?.()
  }

  /** Every worker, or all but one, is lost, and that is found; once more after what waits has been claimed again. */
  async #crash(survivor: number | null, times: number): Promise<void> {
    for (let n = 1; n <= times; n += 1) {
      if (n > 1) await this.#workers.claim(n % 2, 3)
      await this.#pass(10_000, true)
      if (survivor !== null) await this.#workers.renew(survivor)
      await this.#tick()
      await this.check()
    }
  }

  /** An operator sets a running cap, or takes it away. */
  async #limit(tenant: string, running: number | null): Promise<void> {
    const { redis, scripts } = this.#store
    const [key, field] = [`${scripts.prefixOf(0)}limits`, `${tenant} running`]
    if (running === null) await redis.hdel(key, field)
    else await redis.hset(key, field, running)
    this.model.caps.set(tenant, running ?? Number.POSITIVE_INFINITY)
    await this.#tick()
  }

  async #tick(terms = TERMS): Promise<void> {
    await this.#upkeep.tick(0, [LANE], terms)
    this.model.tick()
  }

  /** There is room for some ended records only: the eldest go, and no more than have to. */
  async #squeeze(keep: number): Promise<void> {
    // What is due ends first: a record that the same tick adds could take all the room by itself. What comes due meanwhile does so still.
    await this.#tick()
    const before = await contentsOf(this.#store)
    const kept = [...before.done.values()].sort(byEnd).slice(-keep)
    const maxStoredBytes = kept.reduce((sum, { taskId }) => sum + before.storedBytesOf(taskId), 0) || 1
    await this.#tick({ ...TERMS, maxStoredBytes })
    const after = await contentsOf(this.#store)
    ok(after.storedBytes <= maxStoredBytes, 'it is made room')
    const addsNone = after.open.size === before.open.size
    for (const task of this.model.tasks.filter((task) => !isOpen(task) && task.dies === null)) {
      if (after.done.has(task.id) || this.model.clock >= task.expires) continue
      task.dies = this.model.clock + TOMBSTONE_MS
      const record = before.done.get(task.id)
      if (!record) continue
      for (const left of after.done.values()) ok(byEnd(record, left) <= 0, 'the eldest go first')
      const newer = [...before.done.values()].filter((other) => byEnd(other, record) > 0)
      const needed = [...after.done.values()].reduce(
        (sum, { taskId }) => sum + after.storedBytesOf(taskId),
        0,
      )
      if (addsNone && newer.every(({ taskId }) => after.done.has(taskId)))
        ok(needed + before.storedBytesOf(task.id) > maxStoredBytes, 'none goes that need not')
    }
  }
}
