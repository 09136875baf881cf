import { equal, ok } from 'node:assert/strict'
import type { LaneJobs } from '../../../lane-jobs.ts'
import { type Contents, contentsOf, passTime, type TestStore } from '../../../testing/index.ts'
import { Scripts } from '../../scripts.ts'
import { Upkeep } from '../../upkeep.ts'
import { type Action, ILL, VERDICTS, WORKERS } from './actions.ts'
import { Clients } from './clients.ts'
import { checkOutbox } from './invariants.ts'
import { messageOf } from './message-of.ts'
import type { ToldTask } from './model-delivery.ts'
import { Picture, TERMS } from './picture.ts'
import { Senders } from './senders.ts'

const UPKEEP = { retentionMs: TERMS.retentionMs, tombstoneMs: 95_000 }
const HEARTBEAT_LIFETIME_MS = 50_000
/** After its minute is over, a tick sweeps a task. */
const SWEPT_WITHIN_MS = 61_000

/** A store and the picture of its outbox side by side: each act is done to both, and what they come to is compared. */
export class OutboxLife {
  readonly picture = new Picture()
  readonly #store: TestStore
  readonly #clients: Clients
  readonly #senders: Senders
  readonly #upkeep: Upkeep
  #beganMs = 0
  #jobs = 0
  /** The flows that have their turns. */
  #turns = new Set<string>()
  /** Those that have none since they stand aside. */
  #aside = new Set<string>()

  /** @param scriptsOf made with who is told what jobs are wanted */
  constructor(
    store: TestStore,
    scriptsOf = (jobs: Pick<LaneJobs, 'add'>) => new Scripts(store.redis, store.prefix, jobs),
  ) {
    this.#store = store
    const counter: Pick<LaneJobs, 'add'> = {
      add: (_shard, lane, count) => {
        if (lane === 'callbacks') this.#jobs += count
      },
    }
    const scripts = scriptsOf(counter)
    this.#clients = new Clients(this.picture, scripts, () => this.check())
    this.#senders = new Senders(this.picture, scripts, () => contentsOf(store))
    this.#upkeep = new Upkeep(scripts, counter as LaneJobs)
  }

  async begin(): Promise<void> {
    const [seconds, micros] = await this.#store.redis.time()
    this.#beganMs = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
    await this.#heartbeat(0, WORKERS[0]!, 2)
  }

  /** Does one action, if there is what it acts on, and checks all. @throws {AssertionError} */
  async act(action: Action): Promise<void> {
    const turns = this.#turns
    const before = this.#underWay()
    this.#jobs = 0
    await this.#do(action)
    await this.check()
    // Who takes goes on taking.
    if (['take', 'send', 'outage'].includes(action.act)) return
    const after = this.#underWay()
    // So does who held what is not under way any more.
    const released = Math.max(0, before.running - after.running)
    const capsChange = action.act === 'join' || action.act === 'leave'
    ok(
      capsChange || this.#jobs + released >= after.claimable - before.claimable,
      'what becomes claimable asks for jobs',
    )
    const turned = [...this.#turns].some((flow) => !turns.has(flow))
    if (turned) ok(this.#jobs > 0, 'a flow that has its turn asks for a job')
  }

  /** Compares all that the store keeps of callbacks with the picture. @throws {AssertionError} */
  async check(): Promise<Contents> {
    const contents = await contentsOf(this.#store)
    this.#learn(contents)
    checkOutbox(contents, this.picture, this.#beganMs)
    this.picture.nextCall()
    this.#turns = new Set(contents.map('turns:callbacks').keys())
    const aside = contents.keys.filter((key) => key.startsWith('aside:'))
    this.#aside = new Set(aside.flatMap((key) => [...contents.map(key).keys()]))
    for (const flow of this.#turns) this.#aside.delete(flow)
    return contents
  }

  async #do(action: Action): Promise<void> {
    const clients = this.#clients
    const { tasks, deliveries } = this.picture
    const task = 'task' in action ? newest(actedOn(action.act, tasks), action.task) : undefined
    if ('task' in action && !task) return
    switch (action.act) {
      case 'begin':
        return clients.begin(action)
      case 'burst':
        return clients.burst(action)
      case 'claim':
        await clients.claim()
        return
      case 'progress':
        return clients.progress(task!, action.more)
      case 'finish':
        return clients.finish(task!, action.well)
      case 'return':
      case 'cancel':
      case 'confirm':
      case 'delete':
        return clients[action.act](task!)
      case 'take':
        return this.#senders.take(action.count)
      case 'settle': {
        const attempts = this.#senders.attempts(action.lost)
        const from = Math.max(0, attempts.length - 1 - action.held)
        return this.#senders.settle(attempts.slice(from, from + action.count), VERDICTS[action.verdict]!)
      }
      case 'send':
        return this.#send(action.count, action.verdict)
      case 'outage':
        return this.#outage(action.rounds)
      case 'redeliver': {
        const delivery = newest(deliveries, action.delivery)
        return delivery && clients.redeliver(delivery, action.foreign)
      }
      case 'recover':
        return clients.recover(action)
      case 'pass':
        return this.#pass(action.seconds, action.watched)
      case 'wait':
      case 'lose':
        await this.#pass(action.seconds, true)
        return this.#tick()
      case 'tick':
        return this.#tick()
      case 'squeeze':
        return this.#tick(1)
      case 'look':
        return clients.look()
      case 'join':
        return this.#heartbeat(action.worker, WORKERS[action.worker]!, action.cap)
      case 'leave':
        return this.#heartbeat(action.worker, 0, this.picture.endpointCap)
    }
  }

  /** One after the other is taken, and its attempt comes to the same. */
  async #send(count: number, verdict: number): Promise<void> {
    for (let n = 0; n < count; n += 1) {
      await this.#senders.take(1)
      await this.check()
      await this.#senders.settle(this.#senders.attempts(false).slice(-1), VERDICTS[verdict]!)
      await this.check()
    }
  }

  /** An endpoint does not answer: it is let alone, and no probe does any good. */
  async #outage(rounds: number): Promise<void> {
    await this.#send(5, VERDICTS.indexOf(ILL))
    for (let n = 0; n < rounds; n += 1) {
      await this.#pass(20, true)
      await this.#tick()
      await this.check()
      await this.#send(1, VERDICTS.indexOf(ILL))
    }
  }

  async #pass(seconds: number, watched: boolean): Promise<void> {
    await passTime(this.#store, seconds * 1000, { watched })
    this.picture.passTime(seconds * 1000, watched)
    await this.#clients.renew()
  }

  async #heartbeat(worker: number, slots: number, cap: number): Promise<void> {
    await this.#upkeep.heartbeat(0, `w${worker}`, { callbacks: slots }, HEARTBEAT_LIFETIME_MS, cap)
    this.picture.heartbeat(worker, slots, HEARTBEAT_LIFETIME_MS, cap)
  }

  /** @param maxStoredBytes 1: there is room for nothing */
  async #tick(maxStoredBytes = 0): Promise<void> {
    const { picture } = this
    const trying = new Set(picture.tasks.filter(pending))
    await this.#upkeep.tick(0, ['callbacks', 'test'], { ...UPKEEP, maxStoredBytes })
    picture.tick()
    // A task is swept when the minute of its expiry is over, by the store's clock.
    const contents = await contentsOf(this.#store)
    const withheld = new Set(contents.list('withheld'))
    const { done } = contents
    for (const task of picture.tasks) {
      if (task.expires === null) continue
      const kept = done.get(task.id)
      if (!kept) {
        ok(picture.expired(task) || (maxStoredBytes && !pending(task)), 'only what is over is swept')
        picture.bury(task)
      } else if (kept.expiresMs! + picture.clock - this.#beganMs >= task.expires + 1_000) {
        ok(task.expires <= picture.clock && trying.has(task), 'only what is tried is kept for longer')
        task.expires = picture.clock + TERMS.retentionMs
      } else if (withheld.has(task.id)) ok(pending(task), 'what is not tried is not withheld')
      else {
        ok(!maxStoredBytes, 'what is not tried makes room')
        ok(task.expires + SWEPT_WITHIN_MS > picture.clock, 'what is over is swept in time')
      }
    }
  }

  #underWay() {
    return { claimable: this.picture.claimable(this.#aside), running: this.picture.running(() => true) }
  }

  /** What the store alone decides: names of deliveries, and when events happened. A message is what its task is at the event. */
  #learn(contents: Contents): void {
    const { clock, tasks } = this.picture
    for (const task of tasks) {
      const ids = contents.list(`dlvs:${task.id}`)
      equal(ids.length, task.deliveries.length, 'just what is asked for is told')
      for (const [at, delivery] of task.deliveries.entries()) {
        delivery.id ||= ids[at]!
        equal(delivery.id, ids[at])
        if (!delivery.fresh) continue
        const { event } = delivery
        const eventMs = Number(contents.map(`dlv:${delivery.id}`).get('at'))
        const record = contents.open.get(task.id) ?? contents.done.get(task.id)!
        equal(eventMs, record.updatedMs, 'an event happens when its task changes')
        delivery.body = messageOf({ event, eventMs, task: record }, clock)
        delivery.eventMs = eventMs + clock
        delivery.fresh = false
      }
    }
  }
}

function pending({ deliveries }: ToldTask): boolean {
  return deliveries.some(({ status }) => status === 'pending')
}

/** The tasks that an act may be about. */
function actedOn(act: Action['act'], tasks: ToldTask[]): ToldTask[] {
  if (act === 'delete') return tasks
  if (act === 'cancel') return tasks.filter(({ expires }) => expires === null)
  if (act === 'confirm') return tasks.filter(({ status }) => status === 'awaiting_confirmation')
  return tasks.filter(({ status }) => status === 'running' || status === 'canceling')
}

function newest<T>(all: T[], nth: number): T | undefined {
  return all.at(-1 - (nth % all.length))
}
