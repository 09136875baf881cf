import { setTimeout as pause } from 'node:timers/promises'
import { eventsOf } from '@accepted/api/testing'
import type { Task } from '@accepted/contract'
import type { Random } from '@accepted/core/testing'
import { isOver, type Order, see } from './orders.ts'

/** A client gives up an answer after so long. */
const ANSWER_WITHIN_MS = 8_000
/** It asks for its task no less often. */
const LONGEST_PAUSE_MS = 2_000
/** It repeats a start under its key no longer than that. */
const REPEAT_FOR_MS = 90_000
const CALLBACK_EVENTS = 'started, progress, awaiting_confirmation, completed, failed, canceled'
/** Of all orders. */
const SHARES = { reservation: 0.15, read: 0.2, report: 0.04 }
const KEYED = 0.6
const CALLED_BACK = 0.6
const WAITING = 0.1
const FOLLOWING = 0.2
const CANCELED = 0.12
const DELETED = 0.1
/** Of what awaits confirmation. */
const CONFIRMED = 0.7

interface Answer {
  status: number
  headers: Headers
  text: string
}

/** Clients of a stack in which anything may break: they order, repeat, poll, follow, cancel, confirm and delete. */
export class Clients {
  readonly #apiUrls: readonly string[]
  readonly #receiverUrls: readonly string[]
  readonly #random: Random
  readonly orders: Order[] = []
  /** How often which status was answered; `none`: the connection broke, or it took too long. */
  readonly answers = new Map<string, number>()
  /** What a client must never see, in words. */
  readonly oddities: string[] = []
  /** Cars that are built and not reserved yet. */
  readonly #cars: string[] = []
  readonly #lives: Promise<void>[] = []
  readonly #giveUp = new AbortController()

  constructor(apiUrls: readonly string[], receiverUrls: readonly string[], random: Random) {
    this.#apiUrls = apiUrls
    this.#receiverUrls = receiverUrls
    this.#random = random
  }

  /** Stores so many orders of lamps, for reports to list. */
  async fillShop(count: number): Promise<void> {
    const line = (n: number) =>
      JSON.stringify({
        order_id: `A-${n}`,
        ordered_at: `2021-10-${String(1 + (n % 28)).padStart(2, '0')}T10:00:00Z`,
        customer: 'Zoë',
        currency: 'EUR',
        items: [{ sku: 'X1', description: 'Lamp', quantity: 1 + (n % 5), unit_price: '9.50' }],
      })
    const answer = await this.#ask('POST', '/orders', {
      headers: { 'content-type': 'application/x-ndjson' },
      body: Array.from({ length: count }, (_, n) => line(n)).join('\n'),
    })
    if (answer?.status !== 200 && answer?.status !== 201)
      throw new Error(`the shop is empty: ${answer?.text}`)
  }

  /** Starts so many tasks a second until then; resolves when the last was started. */
  async work(perSecond: number, until: AbortSignal): Promise<void> {
    const began = performance.now()
    while (!until.aborted) {
      this.#lives.push(this.#live(this.#order()))
      await pause(Math.max(0, began + (1000 * this.orders.length) / perSecond - performance.now()))
    }
  }

  /** Resolves when every client has seen its task end, or has been refused; at the latest after so long. */
  async rest(withinMs: number): Promise<void> {
    const late = setTimeout(() => this.#giveUp.abort(), withinMs)
    await Promise.all(this.#lives)
    clearTimeout(late)
    for (const { answer, taskId, seen, by } of this.orders)
      if (answer === 'accepted' && !(seen && isOver(seen.status)))
        this.oddities.push(
          `${taskId}: by ${by} its client has seen no more than ${seen?.version} ${seen?.status}`,
        )
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#random() * of.length)]!
  }

  #order(): Order {
    const marker = `drill-${this.orders.length}`
    const order: Order = {
      marker,
      ...this.#wish(marker),
      key: this.#random() < KEYED ? marker : undefined,
      callbackUrl: this.#random() < CALLED_BACK ? this.#one(this.#receiverUrls) : undefined,
      answer: 'unknown',
      taskId: undefined,
      by: this.#random() < FOLLOWING ? 'events' : 'polls',
      done: new Set(),
      deleteAsked: false,
      seen: undefined,
    }
    this.orders.push(order)
    return order
  }

  #wish(marker: string): Pick<Order, 'kind' | 'path' | 'method' | 'body'> {
    const dice = this.#random()
    const { reservation, read, report } = SHARES
    if (dice < report) {
      const body = { start_date: '2021-10-01', end_date: `2021-10-${10 + Math.floor(this.#random() * 20)}` }
      return { kind: 'report', method: 'POST', path: '/orders/reports', body }
    }
    const car = this.#cars[0]
    if (car && dice < report + read)
      return { kind: 'read', method: 'GET', path: `/cars/${car}`, body: undefined }
    if (car && dice < report + read + reservation) {
      this.#cars.shift()
      return {
        kind: 'reservation',
        method: 'POST',
        path: `/cars/${car}/reservations`,
        body: { customer: marker },
      }
    }
    const body = { brand: 'Ford', make: marker, model: 2014, color: 'Blue' }
    return { kind: 'car', method: 'POST', path: '/cars', body }
  }

  async #live(order: Order): Promise<void> {
    await this.#start(order)
    if (!order.taskId) return
    if (this.#random() < CANCELED) {
      await pause(this.#random() * 200)
      await this.#act(order, 'cancel')
    }
    if (await this.#isSettled(order)) return this.#settle(order)
    await (order.by === 'events' ? this.#follow(order) : this.#poll(order))
    if (order.seen && isOver(order.seen.status)) await this.#settle(order)
  }

  /** What a client does once it has seen its task end. */
  async #settle(order: Order): Promise<void> {
    if (order.kind === 'car' && order.seen?.status === 'completed') await this.#takeCar(order)
    // Of a reservation the audit asks who holds the car.
    else if (order.kind !== 'reservation' && !order.callbackUrl && this.#random() < DELETED) {
      await this.#act(order, 'delete')
    }
  }

  async #start(order: Order): Promise<void> {
    const headers: Record<string, string> = {}
    const preferences: string[] = []
    if (order.body) headers['content-type'] = 'application/json'
    if (order.key) headers['idempotency-key'] = order.key
    if (order.kind === 'read') preferences.push('respond-async')
    else if (this.#random() < WAITING) preferences.push('wait=2')
    if (preferences.length > 0) headers.prefer = preferences.join(', ')
    if (order.callbackUrl) {
      headers['callback-url'] = order.callbackUrl
      headers['callback-events'] = CALLBACK_EVENTS
    }
    const late = performance.now() + REPEAT_FOR_MS
    let isSure = true
    while (true) {
      const answer = await this.#ask(order.method, order.path, {
        headers,
        ...(order.body ? { body: JSON.stringify(order.body) } : {}),
      })
      if (!answer) isSure = false
      else if ([200, 202, 303].includes(answer.status)) return this.#accepted(order, answer)
      else if (answer.status !== 503) this.#oddAnswer(order, 'start', answer)
      if (!order.key || performance.now() > late || this.#giveUp.signal.aborted) break
      await this.#pauseFor(answer)
    }
    order.answer = isSure ? 'refused' : 'unknown'
  }

  #accepted(order: Order, { text }: Answer): void {
    const task = JSON.parse(text) as Task
    order.answer = 'accepted'
    order.taskId = task.task_id
    this.#see(order, task)
  }

  #see(order: Order, task: Task): void {
    const odd = see(order, task)
    if (odd) this.oddities.push(odd)
  }

  async #poll(order: Order): Promise<void> {
    while (!this.#giveUp.signal.aborted) {
      const answer = await this.#ask('GET', `/tasks/${order.taskId}`)
      if (answer && [200, 202, 303].includes(answer.status)) {
        this.#see(order, JSON.parse(answer.text) as Task)
        if (await this.#isSettled(order)) return
      } else if (answer && answer.status !== 503) return this.#oddAnswer(order, 'poll', answer)
      await this.#pauseFor(answer)
    }
  }

  /** Whether there is nothing to wait for any more; decides about what awaits confirmation. */
  async #isSettled(order: Order): Promise<boolean> {
    const { status } = order.seen!
    if (status === 'awaiting_confirmation') {
      const act = this.#random() < CONFIRMED ? 'confirm' : 'cancel'
      while (!(await this.#act(order, act)) && !this.#giveUp.signal.aborted) await pause(LONGEST_PAUSE_MS)
    }
    return isOver(status)
  }

  /** By the stream of its events, from where that broke off. */
  async #follow(order: Order): Promise<void> {
    while (!this.#giveUp.signal.aborted) {
      try {
        const version = order.seen?.version
        const answer = await fetch(`${this.#one(this.#apiUrls)}/tasks/${order.taskId}/events`, {
          headers: version === undefined ? {} : { 'last-event-id': String(version) },
          // Beyond the comments that come every 15 s there is no other sign that a stream is dead.
          signal: AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(20_000)]),
        })
        this.#count(String(answer.status))
        if (answer.status === 204) return
        if (answer.status === 200) {
          let last = version ?? -1
          for await (const { id, data } of eventsOf(answer.body!)) {
            if (data === undefined) continue
            const task = JSON.parse(data) as Task
            if (Number(id) < last) this.oddities.push(`${order.taskId}: the event ${id} came after ${last}`)
            last = Number(id)
            this.#see(order, task)
            if (await this.#isSettled(order)) return
          }
        } else {
          const text = await answer.text()
          if (answer.status !== 503)
            return this.#oddAnswer(order, 'follow', { status: answer.status, headers: answer.headers, text })
        }
      } catch {
        this.#count('none')
      }
      await pause(500)
    }
  }

  /** Resolves to whether there was an answer, other than that Redis is away. */
  async #act(order: Order, act: 'cancel' | 'confirm' | 'delete'): Promise<boolean> {
    const { taskId } = order
    if (act === 'delete') order.deleteAsked = true
    const answer = await (act === 'delete'
      ? this.#ask('DELETE', `/tasks/${taskId}`)
      : this.#ask('POST', `/tasks/${taskId}/${act}`))
    if (!answer || answer.status === 503) return false
    const { status } = answer
    if (status === { cancel: 202, confirm: 200, delete: 204 }[act]) order.done.add(act)
    // It ended meanwhile, or was confirmed by a request whose answer did not come.
    else if (status !== 409 || act === 'delete') this.#oddAnswer(order, act, answer)
    return true
  }

  async #takeCar(order: Order): Promise<void> {
    const answer = await this.#ask('GET', `/tasks/${order.taskId}`)
    if (answer?.status !== 303) return
    const { resource } = JSON.parse(answer.text) as Task
    this.#cars.push(resource!.replace('/cars/', ''))
  }

  #oddAnswer({ marker, taskId }: Order, act: string, { status, text }: Answer): void {
    this.oddities.push(`${marker} (${taskId}): ${act} was answered ${status}: ${text.slice(0, 300)}`)
  }

  async #pauseFor(answer: Answer | undefined): Promise<void> {
    const seconds = Number(answer?.headers.get('retry-after') ?? 1)
    await pause(Math.min(1000 * seconds, LONGEST_PAUSE_MS))
  }

  /** Undefined if there was no answer. */
  async #ask(method: string, path: string, options: RequestInit = {}): Promise<Answer | undefined> {
    try {
      const answer = await fetch(`${this.#one(this.#apiUrls)}${path}`, {
        method,
        redirect: 'manual',
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        ...options,
      })
      const text = await answer.text()
      this.#count(String(answer.status))
      return { status: answer.status, headers: answer.headers, text }
    } catch {
      this.#count('none')
      return undefined
    }
  }

  #count(status: string): void {
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
  }
}
