import type { CallbackEvent, EndedStatus } from '@accepted/contract'
import type { EndpointHealth, OutboxTerms, Verdict } from '../../outbox.ts'
import {
  byEvent,
  byPlace,
  type ModelDelivery,
  type ModelRecovery,
  newDelivery,
  obsolete,
  type ToldTask,
} from './model-delivery.ts'
import { endpointTook, endpointTried, type ModelEndpoint, newEndpoint } from './model-endpoint.ts'

/** Terms that the store is run with. Whole seconds, as time passes: what is due at a leap is due after it, too. */
export const TERMS: OutboxTerms = {
  leaseMs: 18_000,
  retentionMs: 68_000,
  firstPauseMs: 5_000,
  wholeScheduleMs: 30_000,
}
const TENANT_SHARE = 0.75
const SLOW_SHARE = 0.5
const PROGRESS_GAP_MS = 500
const MOST_DELIVERIES = 100
const AWAY_MS = 2_000
const HOLD_MS = 8_000
const POSTER_LOST_MS = 60_000
const BEHIND_MS = 3_600_000

/** The picture of the outbox, without Redis: what each act makes of it. What counts it has no counters for: it counts. */
export class Picture {
  clock = 0
  tasks: ToldTask[] = []
  readonly endpoints = new Map<string, ModelEndpoint>()
  slots = 0
  /** How many deliveries an endpoint that is well is sent at once. */
  endpointCap = 10
  #call = 0
  #ticked = Number.NEGATIVE_INFINITY
  #holdUntil = Number.NEGATIVE_INFINITY
  readonly #workers = new Map<number, { slots: number; until: number }>()

  get deliveries(): ModelDelivery[] {
    return this.tasks.flatMap(({ deliveries }) => deliveries)
  }

  get flows(): Set<string> {
    return new Set(this.deliveries.map(({ task }) => task.flow))
  }

  /** What waits at an endpoint, the first one first. */
  waiting(flow: string): ModelDelivery[] {
    return this.deliveries.filter(({ place, task }) => place === 'flow' && task.flow === flow).sort(byPlace)
  }

  running(whose: (task: ToldTask) => boolean): number {
    return this.deliveries.filter(({ place, task }) => place === 'posting' && whose(task)).length
  }

  endpoint(flow: string): ModelEndpoint {
    if (!this.endpoints.has(flow)) this.endpoints.set(flow, newEndpoint())
    return this.endpoints.get(flow)!
  }

  /** How many more of those that wait at an endpoint its own cap lets through. */
  openings(flow: string): number {
    const cap = Math.min(this.endpointCap, this.endpoint(flow).cap ?? this.endpointCap)
    return Math.min(this.waiting(flow).length, Math.max(0, cap - this.running((task) => task.flow === flow)))
  }

  /** Whether an endpoint takes long, as far as is known. */
  slow(flow: string): boolean {
    return this.endpoint(flow).quick === 0
  }

  tenantRoom(tenant: string): number {
    return this.#tenantCap - this.running((task) => task.tenant === tenant)
  }

  /** How many more deliveries all slow endpoints of a tenant may have under way. */
  slowRoom(tenant: string): number {
    const cap = Math.max(1, Math.floor(SLOW_SHARE * this.#tenantCap))
    const running = this.running((task) => task.tenant === tenant && this.slow(task.flow))
    return Math.min(this.tenantRoom(tenant), cap - running)
  }

  /** Whether the delivery whose turn it is at an endpoint may be taken. */
  ready(flow: string): boolean {
    const tenant = tenantOf(flow)
    return this.openings(flow) > 0 && (this.slow(flow) ? this.slowRoom(tenant) : this.tenantRoom(tenant)) > 0
  }

  /**
   * How many deliveries could be taken now, one after the other.
   *
   * @param aside flows that do not count: they are woken first
   */
  claimable(aside: ReadonlySet<string>): number {
    const tenants = Map.groupBy(
      [...this.flows].filter((flow) => !aside.has(flow)),
      tenantOf,
    )
    return [...tenants].reduce((sum, [tenant, flows]) => {
      const openings = (slow: boolean) =>
        flows.filter((flow) => this.slow(flow) === slow).reduce((all, flow) => all + this.openings(flow), 0)
      const slow = Math.max(0, Math.min(openings(true), this.slowRoom(tenant)))
      return sum + Math.max(0, Math.min(openings(false) + slow, this.tenantRoom(tenant)))
    }, 0)
  }

  /** What is written from now on is written by another call. */
  nextCall(): void {
    this.#call += 1
  }

  tell(task: ToldTask, event: CallbackEvent): void {
    if (!task.events.has(event)) return
    const delivery = newDelivery(task, event)
    task.deliveries.push(delivery)
    this.#waits(delivery)
  }

  tellProgress(task: ToldTask): void {
    if (!task.events.has('progress')) return
    const last = task.telling
    if (last?.status === 'pending') {
      if (last.token === 0) {
        last.fresh = true
        return
      }
      if (last.place !== 'posting' && !last.asked) this.drop(last)
    }
    const due = Math.max(this.clock, task.told + PROGRESS_GAP_MS)
    const delivery = newDelivery(task, 'progress')
    task.deliveries.push(delivery)
    task.telling = delivery
    task.told = due
    if (due > this.clock) this.#later(delivery, due)
    else this.#waits(delivery)
    if (task.deliveries.length <= MOST_DELIVERIES) return
    const eldest = task.deliveries
      .slice(0, 10)
      .find(({ event, status }) => event === 'progress' && status !== 'pending')
    if (eldest) this.drop(eldest)
  }

  end(task: ToldTask, status: EndedStatus): void {
    task.status = status
    task.expires = this.clock + TERMS.retentionMs
    this.tell(task, status)
  }

  /** Whether a task that has ended is over. */
  expired(task: ToldTask): boolean {
    return (
      task.expires !== null &&
      task.expires <= this.clock &&
      task.deliveries.every(({ status }) => status !== 'pending')
    )
  }

  /** A task is deleted, or swept. */
  bury(task: ToldTask): void {
    for (const delivery of [...task.deliveries]) this.drop(delivery)
    this.tasks = this.tasks.filter((other) => other !== task)
  }

  /** As if it had never been. */
  drop(delivery: ModelDelivery): void {
    const { task } = delivery
    task.deliveries = task.deliveries.filter((other) => other !== delivery)
  }

  take(delivery: ModelDelivery): void {
    delivery.token += 1
    delivery.place = 'posting'
    delivery.due = this.clock + TERMS.leaseMs
  }

  /** What follows an attempt, or none. */
  settle(delivery: ModelDelivery, verdict: Verdict): void {
    const { follows } = verdict
    if (follows !== 'release') delivery.tries += 1
    this.#follow(delivery, verdict)
    if (follows === 'release') return
    const { flow } = delivery.task
    this.#took(flow, verdict.attempt.durationMs)
    if (this.#tried(flow, verdict.health)) this.#giveUp(flow)
  }

  redeliver(delivery: ModelDelivery): void {
    delivery.asked = true
    if (delivery.place === 'posting') {
      delivery.again = true
      return
    }
    delivery.status = 'pending'
    delivery.stage = 0
    delivery.again = false
    // What waits keeps its place, unless it waits behind all others.
    if (delivery.place !== 'flow' || delivery.since > this.clock) this.#waits(delivery)
  }

  /** A recovery goes on. @returns how many are tried anew, from its beginning, and how many are left */
  recover(
    recovery: ModelRecovery,
    flows: string[],
    untilMs: number,
    most: number,
  ): [tried: number, left: number] {
    let left = 0
    for (const flow of flows) {
      const taken = recovery.taken.get(flow)
      const untaken = this.deliveries
        .filter(({ task, status }) => task.flow === flow && status === 'failed')
        .filter(({ eventMs }) => eventMs >= Math.ceil(recovery.sinceMs) && eventMs < untilMs)
        .filter((delivery) => !taken || byEvent(taken, delivery) < 0)
        .sort(byEvent)
      const room = Math.max(0, (this.endpoint(flow).cap === null ? most : 1) - this.waiting(flow).length)
      const chosen = untaken.slice(0, room)
      left += untaken.length - chosen.length
      const last = chosen.at(-1)
      if (last) recovery.taken.set(flow, { eventMs: last.eventMs, id: last.id })
      // Which are over is told before they are tried anew: that keeps their task.
      for (const delivery of chosen.filter(({ task }) => !this.expired(task))) {
        recovery.tried += 1
        delivery.status = 'pending'
        delivery.stage = 0
        delivery.asked = true
        this.#waits(delivery, BEHIND_MS)
      }
    }
    return [recovery.tried, left]
  }

  /** @param slots 0: the worker leaves */
  heartbeat(worker: number, slots: number, lifetimeMs: number, endpointCap: number): void {
    this.endpointCap = endpointCap
    for (const [name, { until }] of this.#workers) if (until <= this.clock) this.#workers.delete(name)
    if (slots === 0) this.#workers.delete(worker)
    else this.#workers.set(worker, { slots, until: this.clock + lifetimeMs })
    this.slots = [...this.#workers.values()].reduce((sum, known) => sum + known.slots, 0)
  }

  /** @param watched as if somebody had ticked all the while */
  passTime(ms: number, watched: boolean): void {
    this.clock += ms
    if (watched) this.#ticked = this.clock
  }

  /** But for the sweep of tasks: when that comes by is the store's affair. */
  tick(): void {
    if (this.clock - this.#ticked > AWAY_MS) this.#holdUntil = this.clock + HOLD_MS
    this.#ticked = this.clock
    for (const endpoint of this.endpoints.values()) {
      if (endpoint.probe === null || endpoint.probe > this.clock) continue
      endpoint.cap = 1
      endpoint.probe = null
    }
    for (const delivery of this.deliveries) {
      if (delivery.due > this.clock) continue
      if (delivery.place === 'posting') this.#lose(delivery)
      else if (delivery.place === 'due') {
        if (obsolete(delivery)) this.drop(delivery)
        else this.#waits(delivery)
      }
    }
  }

  /** How many deliveries of one tenant are tried at once. */
  get #tenantCap(): number {
    return this.slots === 0 ? Number.POSITIVE_INFINITY : Math.ceil(TENANT_SHARE * this.slots)
  }

  #lose(delivery: ModelDelivery): void {
    if (this.clock < this.#holdUntil) {
      delivery.due = this.#holdUntil
      return
    }
    delivery.losses += 1
    if (delivery.losses === 1) this.#waits(delivery)
    else this.#later(delivery, this.clock + Math.min(60, delivery.losses) * POSTER_LOST_MS)
  }

  #follow(delivery: ModelDelivery, verdict: Verdict): void {
    const { follows } = verdict
    if (follows === 'again') {
      delivery.due = this.clock + TERMS.leaseMs
      return
    }
    if (follows === 'release') {
      if (verdict.delayMs > 0) this.#later(delivery, this.clock + verdict.delayMs)
      else this.#waits(delivery)
    } else if (follows === 'delivered') {
      delivery.status = 'delivered'
      delivery.place = 'over'
      delivery.losses = 0
      delivery.again = false
    } else if (follows === 'failed' && !delivery.again) this.#fails(delivery)
    else if (obsolete(delivery)) this.drop(delivery)
    else if (delivery.again) {
      delivery.again = false
      delivery.stage = 0
      this.#waits(delivery)
    } else {
      delivery.stage += 1
      this.#later(delivery, this.clock + (verdict.follows === 'retry' ? verdict.delayMs : 0))
    }
  }

  #waits(delivery: ModelDelivery, behindMs = 0): void {
    delivery.place = 'flow'
    delivery.since = this.clock + behindMs
    delivery.call = this.#call
  }

  #later(delivery: ModelDelivery, due: number): void {
    delivery.place = 'due'
    delivery.due = due
  }

  #fails(delivery: ModelDelivery): void {
    const { task } = delivery
    delivery.status = 'failed'
    delivery.place = 'over'
    if (task.expires !== null) task.expires = Math.max(task.expires, this.clock + TERMS.retentionMs)
  }

  #took(flow: string, durationMs: number): void {
    endpointTook(this.endpoint(flow), durationMs)
  }

  /** An attempt is over. @returns whether its endpoint is let alone from now on */
  #tried(flow: string, health: EndpointHealth): boolean {
    return endpointTried(this.endpoint(flow), health, this.clock, this.endpointCap, TERMS.firstPauseMs)
  }

  #giveUp(flow: string): void {
    if (this.clock - this.endpoint(flow).silentSince! < TERMS.wholeScheduleMs) return
    for (const delivery of this.waiting(flow)) {
      if (delivery.since + TERMS.wholeScheduleMs > this.clock) continue
      if (obsolete(delivery)) this.drop(delivery)
      else {
        delivery.tries += 1
        this.#fails(delivery)
      }
    }
  }
}

/** The tenant of a flow. */
export function tenantOf(flow: string): string {
  return flow.slice(0, flow.indexOf(' '))
}
