import { equal, ok } from 'node:assert/strict'
import type { Contents } from '../../../testing/index.ts'
import { type HeldDelivery, Outbox, type Verdict } from '../../outbox.ts'
import type { Scripts } from '../../scripts.ts'
import { messageOf } from './message-of.ts'
import { type ModelDelivery, obsolete } from './model-delivery.ts'
import { type Picture, TERMS } from './picture.ts'

/** An attempt in the hands of a worker, which may have lost it. */
interface Attempt {
  held: HeldDelivery
  delivery: ModelDelivery
}

/** Workers that send; each answer is foretold by the picture. */
export class Senders {
  readonly #picture: Picture
  readonly #outbox: Outbox
  readonly #contents: () => Promise<Contents>
  #attempts: Attempt[] = []

  constructor(picture: Picture, scripts: Scripts, contents: () => Promise<Contents>) {
    this.#picture = picture
    this.#outbox = new Outbox(scripts, TERMS)
    this.#contents = contents
  }

  /** @param count how many are asked for at once, which one script call answers */
  async take(count: number): Promise<void> {
    const taken = await Promise.all(Array.from({ length: count }, () => this.#outbox.take(0)))
    for (const held of taken) if (held) this.#taken(held)
    // Of what was not worth telling it came by some.
    const left = (await this.#contents()).keys
    for (const delivery of this.#picture.deliveries) {
      if (left.includes(`dlv:${delivery.id}`)) continue
      ok(obsolete(delivery) && delivery.place === 'flow', 'only what is obsolete and waits is dropped')
      this.#picture.drop(delivery)
    }
    if (!taken.includes(null)) return
    for (const flow of this.#picture.flows) ok(!this.#picture.ready(flow), `${flow} could have been taken`)
  }

  async settle(attempts: Attempt[], verdict: Verdict): Promise<void> {
    const expected = attempts.map((attempt) => {
      if (!this.#holds(attempt)) return 'stale'
      this.#picture.settle(attempt.delivery, verdict)
      return 'ok'
    })
    const answers = attempts.map(({ held }) => this.#outbox.settle(held, verdict))
    for (const [at, answer] of (await Promise.all(answers)).entries()) equal(answer, expected[at])
  }

  /** Attempts, the newest last: those that are still held, or those that are lost. */
  attempts(lost: boolean): Attempt[] {
    return this.#attempts.filter((attempt) => this.#holds(attempt) !== lost)
  }

  #taken(held: HeldDelivery): void {
    const delivery = this.#picture.deliveries.find(({ id }) => id === held.deliveryId)
    ok(delivery?.place === 'flow', 'only what waits is taken')
    const { flow } = delivery.task
    for (const before of this.#picture.waiting(flow)) {
      if (before === delivery) break
      ok(obsolete(before), 'the first of a flow is taken')
      this.#picture.drop(before)
    }
    ok(!obsolete(delivery), 'what is obsolete is not taken')
    ok(this.#picture.ready(flow), `${flow} was not ready`)
    this.#picture.take(delivery)
    const { event, tries, stage } = delivery
    equal(held.event, event)
    equal(held.token, String(delivery.token))
    equal(held.tries, tries)
    equal(held.stage, stage)
    equal(messageOf(held, this.#picture.clock), delivery.body, 'a message is fixed by its event')
    this.#attempts.push({ held, delivery })
  }

  #holds({ held, delivery }: Attempt): boolean {
    const there = this.#picture.deliveries.includes(delivery)
    return there && delivery.place === 'posting' && String(delivery.token) === held.token
  }
}
