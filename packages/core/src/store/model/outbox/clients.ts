import { equal, ok, deepEqual as same } from 'node:assert/strict'
import { calledBack, createdId } from '../../../testing/index.ts'
import { TaskControl } from '../../control.ts'
import { Deliveries, type Delivery } from '../../deliveries.ts'
import { endpointFlow, originOf } from '../../endpoints.ts'
import { TaskReader } from '../../reader.ts'
import type { Scripts } from '../../scripts.ts'
import { Submissions } from '../../submissions.ts'
import { type Claim, Work } from '../../work.ts'
import { type Action, ORIGINS, TENANTS, WISHES } from './actions.ts'
import type { ModelDelivery, ModelRecovery, ToldTask } from './model-delivery.ts'
import { type Picture, TERMS, tenantOf } from './picture.ts'

const LONG_MS = 90 * 24 * 3_600_000
const TOMBSTONE_MS = 95_000
/** What tells events of before and after apart that are some time apart. */
const CUT_MS = 30_000

type Of<Act extends Action['act']> = Extract<Action, { act: Act }>

/** Clients of two tenants, and the workers that run their tasks; what they are answered is foretold by the picture. */
export class Clients {
  readonly #picture: Picture
  readonly #scripts: Scripts
  readonly #check: () => Promise<unknown>
  readonly #submissions: Submissions
  readonly #control: TaskControl
  readonly #work: Work
  readonly #deliveries: Deliveries
  readonly #reader: TaskReader
  readonly #claims = new Map<ToldTask, Claim>()
  readonly #recoveries = new Map<string, ModelRecovery>()

  /** @param check called between two writes that belong to one act */
  constructor(picture: Picture, scripts: Scripts, check: () => Promise<unknown>) {
    this.#picture = picture
    this.#scripts = scripts
    this.#check = check
    this.#submissions = new Submissions(scripts)
    this.#control = new TaskControl(scripts, TERMS.retentionMs, TOMBSTONE_MS)
    this.#work = new Work(scripts, TERMS.retentionMs)
    this.#deliveries = new Deliveries(scripts)
    this.#reader = new TaskReader(scripts)
  }

  async begin({ tenant, origin, wish, confirms }: Of<'begin'>): Promise<void> {
    await this.#create(TENANTS[tenant]!, ORIGINS[origin]!, wish, confirms)
    await this.claim()
  }

  /** Tasks that complete at one time. */
  async burst({ tenant, origin, count }: Of<'burst'>): Promise<void> {
    const many = <T>(act: () => Promise<T>) => Promise.all(Array.from({ length: count }, act))
    await many(() => this.#create(TENANTS[tenant]!, ORIGINS[origin]!, 0, false))
    const tasks = (await many(() => this.claim())).filter((task) => task !== null)
    await this.#check()
    await Promise.all(tasks.map((task) => this.finish(task, true)))
  }

  async claim(): Promise<ToldTask | null> {
    const picture = this.#picture
    const claim = await this.#work.claim(0, 'test')
    if (!claim) return null
    const task = picture.tasks.find(({ id }) => id === claim.task.taskId)!
    equal(task.status, 'pending')
    this.#claims.set(task, claim)
    task.status = 'running'
    if (!task.started) picture.tell(task, 'started')
    task.started = true
    return task
  }

  async progress(task: ToldTask, more: number): Promise<void> {
    const claim = this.#claims.get(task)
    if (!claim) return
    const percent = Math.min(100, task.progress + more)
    const answer = await this.#work.progress(claim, percent)
    equal(answer, task.status === 'canceling' ? 'canceling' : 'ok')
    if (answer !== 'ok' || percent <= task.progress) return
    task.progress = percent
    this.#picture.tellProgress(task)
  }

  async finish(task: ToldTask, well: boolean): Promise<void> {
    const claim = this.#claims.get(task)
    if (!claim) return
    const outcome = await this.#work.end(claim, {
      status: well ? 'completed' : 'failed',
      reason: well ? null : 'attempts_exhausted',
      result: well ? '{"ok":[]}' : null,
      resource: well ? '/things/1' : null,
      error: null,
    })
    ok(outcome.outcome === 'ok')
    this.#claims.delete(task)
    if (task.status === 'canceling') this.#picture.end(task, 'canceled')
    else if (!well) this.#picture.end(task, 'failed')
    else if (!task.confirms) this.#picture.end(task, 'completed')
    else {
      task.status = 'awaiting_confirmation'
      this.#picture.tell(task, 'awaiting_confirmation')
    }
    equal(outcome.status, task.status)
  }

  /** Its worker stops: the task waits as if this attempt had not been. */
  async return(task: ToldTask): Promise<void> {
    const claim = this.#claims.get(task)
    if (!claim || task.status !== 'running') return
    equal(await this.#work.release(claim), 'ok')
    this.#claims.delete(task)
    task.status = 'pending'
    task.progress = 0
  }

  async cancel(task: ToldTask): Promise<void> {
    if (task.expires !== null) return
    const outcome = await this.#control.cancel(task.tenant, task.id)
    if (task.status === 'running' || task.status === 'canceling') {
      task.status = 'canceling'
      return equal(outcome.outcome, 'canceling')
    }
    equal(outcome.outcome, 'canceled')
    this.#picture.end(task, 'canceled')
  }

  async confirm(task: ToldTask): Promise<void> {
    if (task.status !== 'awaiting_confirmation') return
    equal((await this.#control.confirm(task.tenant, task.id)).outcome, 'confirmed')
    this.#picture.end(task, 'completed')
  }

  async delete(task: ToldTask): Promise<void> {
    const { outcome } = await this.#control.delete(task.tenant, task.id)
    if (task.expires === null) return equal(outcome, 'open')
    if (this.#picture.expired(task)) return equal(outcome, 'gone')
    equal(outcome, 'deleted')
    this.#picture.bury(task)
  }

  async redeliver(delivery: ModelDelivery, foreign: boolean): Promise<void> {
    const { task, id } = delivery
    const tenant = foreign ? TENANTS.find((other) => other !== task.tenant)! : task.tenant
    const { outcome } = await this.#deliveries.redeliver(tenant, task.id, id)
    if (foreign) return equal(outcome, 'unknown')
    if (this.#picture.expired(task)) return equal(outcome, 'gone')
    equal(outcome, 'redelivered')
    this.#picture.redeliver(delivery)
  }

  async recover({ name, tenant, origin, times, most }: Of<'recover'>): Promise<void> {
    const picture = this.#picture
    const owner = TENANTS[tenant]!
    const now = (await this.#scripts.now()) + picture.clock
    const id = [name, owner, origin, times].join(' ')
    const known = this.#recoveries.get(id)
    const recovery = known ?? { sinceMs: times === 'recent' ? now - CUT_MS : 0, tried: 0, taken: new Map() }
    this.#recoveries.set(id, recovery)
    const scope = {
      sinceMs: Math.max(0, recovery.sinceMs - picture.clock),
      untilMs: (times === 'old' ? now - CUT_MS : now + CUT_MS) - picture.clock,
      ...(origin === null ? {} : { origin: ORIGINS[origin]! }),
    }
    const told = await this.#deliveries.recover(owner, id, scope, most)
    // It takes no events that came after it had begun: when that was, the store knows.
    const until = await this.#scripts.redis.hget(`${this.#scripts.prefixOf(0)}recovery:${id}`, 'until')
    const flows = [...picture.flows].filter((flow) => {
      return tenantOf(flow) === owner && (origin === null || originOf(flow) === ORIGINS[origin])
    })
    const [tried, left] = picture.recover(recovery, flows, Number(until) + picture.clock, most)
    same(told, { tried, left })
  }

  /** Looks at tasks, deliveries and endpoints. */
  async look(): Promise<void> {
    const picture = this.#picture
    for (const task of picture.tasks) {
      const read = await this.#reader.read(task.tenant, task.id)
      equal(read.outcome, picture.expired(task) ? 'gone' : 'task')
      const found = await this.#deliveries.of(task.tenant, task.id)
      equal(found.outcome, read.outcome)
      if (found.outcome !== 'task') continue
      equal(found.deliveries.length, task.deliveries.length)
      const shut = picture.endpoint(task.flow).probe !== null
      for (const [at, delivery] of task.deliveries.entries()) {
        const shown: Delivery = found.deliveries[at]!
        same(
          [shown.deliveryId, shown.event, shown.status, shown.attempts.length],
          [delivery.id, delivery.event, delivery.status, delivery.tries],
        )
        equal(shown.nextAttemptMs !== null, delivery.place === 'due' || (shut && delivery.place !== 'over'))
      }
    }
  }

  /** Workers renew what they run. */
  async renew(): Promise<void> {
    await this.#work.renew([...this.#claims.values()])
  }

  async #create(tenant: string, origin: string, wish: number, confirms: boolean): Promise<void> {
    const events = WISHES[wish]!
    const usual = calledBack({ url: `${origin}/hook`, events }, { tenant })
    const limits = { ...usual.limits, runMs: LONG_MS, confirmMs: confirms ? LONG_MS : null }
    const id = createdId(await this.#submissions.create({ ...usual, limits }))
    this.#picture.tasks.push({
      id,
      tenant,
      flow: endpointFlow(tenant, origin),
      events: new Set(events),
      confirms,
      status: 'pending',
      started: false,
      progress: 0,
      telling: null,
      told: Number.NEGATIVE_INFINITY,
      expires: null,
      deliveries: [],
    })
  }
}
