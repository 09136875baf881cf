import { equal, ok, deepEqual as same } from 'node:assert/strict'
import { taskError } from '@accepted/contract'
import type { TaskReader } from '../reader.ts'
import type { Scripts } from '../scripts.ts'
import { type Claim, type StepWrite, Work } from '../work.ts'
import { type Model, type ModelEnding, RETENTION_MS } from './model.ts'
import { type ModelTask, STEPS, type StepLetter, undoable } from './model-task.ts'
import { pictureOf, viewOf } from './views.ts'

const LANE = 'test'
/** What an attempt may come to. */
export const ENDINGS: ModelEnding[] = [
  { status: 'completed', reason: null },
  { status: 'failed', reason: 'permanent_error' },
  { status: 'failed', reason: 'attempts_exhausted' },
  { status: 'failed', reason: 'invalid_result' },
  { status: 'failed', reason: 'run_timeout' },
]
const CANCELED: ModelEnding = { status: 'canceled', reason: 'client' }
const REVERT_FAILED: ModelEnding = { status: 'failed', reason: 'revert_failed' }
const LETTERS = {
  begun: 'b',
  begun_undoable: 'd',
  finished: 'f',
  undoable: 'u',
  failed: 'x',
  reverting: 'r',
  reverted: 'v',
} as const

/** A claim in the hands of a worker, which may have lost it. */
export interface Held {
  worker: number
  claim: Claim
  task: ModelTask
  /** Whether it is to undo. */
  undoes: boolean
}

/** Two workers that go by the store's answers; each of these is foretold by the picture. */
export class Workers {
  readonly #model: Model
  readonly #reader: TaskReader
  readonly #check: () => Promise<unknown>
  readonly #workers: Work[]
  readonly #held: Held[] = []

  readonly #allKnowCaps: boolean

  /**
   * @param check called between two writes that belong to one act
   * @param allKnowCaps else some claims regard no caps, and tasks at one, or of whom one was taken away, may wait for a tick
   */
  constructor(
    model: Model,
    scripts: Scripts,
    reader: TaskReader,
    check: () => Promise<unknown>,
    allKnowCaps: boolean,
  ) {
    this.#model = model
    this.#allKnowCaps = allKnowCaps
    this.#reader = reader
    this.#check = check
    this.#workers = [0, 1].map(() => new Work(scripts, RETENTION_MS))
  }

  /** @param most claims that are asked for at once, which one script call answers */
  async claim(worker: number, most: number): Promise<void> {
    const model = this.#model
    // Which claim came by a task that must not start cannot be told of many.
    const count = model.tasks.some((task) => model.overdue(task)) ? 1 : most
    const claims = Array.from({ length: count }, () => this.#workers[worker]!.claim(0, LANE))
    for (const claim of await Promise.all(claims)) await this.#claimed(worker, claim)
  }

  async #claimed(worker: number, claim: Claim | null): Promise<void> {
    const model = this.#model
    // How many of those that must not start it came by depends on whose turn it was.
    for (const task of model.tasks) {
      const reason = model.overdue(task)
      if (!reason) continue
      const read = await this.#reader.read(task.tenant, task.id)
      ok(read.outcome === 'task')
      if (read.task.status !== 'pending') model.cancel(task, reason)
    }
    const candidates = this.#allKnowCaps ? model.claimable() : model.claimableUncapped()
    const task = candidates.find(({ id }) => id === claim?.task.taskId)
    if (!claim || !task) {
      const missed = this.#allKnowCaps ? candidates : candidates.filter(({ flow }) => !model.caps.has(flow))
      return same([claim, missed], [null, []])
    }
    model.claim(task)
    equal(claim.token, String(task.token))
    same(viewOf(claim.task), pictureOf(task))
    equal(claim.undos, task.undos)
    this.#held.push({ worker, claim, task, undoes: task.status === 'canceling' })
  }

  /**
   * The next write of a step: it begins, it ends, or the same of its undo; null if there is none.
   *
   * @param whole both, if it is to begin; once more is then its end once more
   */
  step(held: Held, how: 'finished' | 'undoable' | 'failed', whole: boolean): (() => Promise<void>) | null {
    const { task, undoes, claim, worker } = held
    const has = (...letters: StepLetter[]) => STEPS.find((name) => letters.includes(task.steps.get(name)!))
    const [begun, name] = undoes
      ? [has('r'), has('r', 'u', 'd', 'p', 'q', 'y')]
      : [
          has('b', 'd', 'q'),
          has('b', 'd', 'q') ?? STEPS.find((step) => !'fu'.includes(task.steps.get(step) ?? 'none')),
        ]
    if (!name) return null
    const state = undoes ? (begun ? 'reverted' : 'reverting') : stepWrite(task.steps.get(name), how)
    const outcome = state === 'finished' || state === 'undoable' ? '{"made":[1]}' : ''
    let rest: (() => Promise<void>) | null = null
    return async () => {
      if (rest) return rest()
      const answer = this.#answer(held)
      const shown = undoes && answer === 'canceling' ? 'ok' : answer
      equal(await this.#workers[worker]!.step(claim, name, state, outcome), shown)
      if (shown === 'ok' || (answer === 'canceling' && !state.startsWith('begun'))) {
        this.#model.step(task, name, LETTERS[state])
        if (whole && !begun) {
          await this.#check()
          rest = this.step(held, how, false)
          await rest?.()
        }
      }
    }
  }

  async progress(held: Held, percent: number): Promise<void> {
    const answer = this.#answer(held)
    equal(await this.#workers[held.worker]!.progress(held.claim, percent), answer)
    if (answer === 'ok') held.task.progress = Math.max(held.task.progress, percent)
  }

  async retry(held: Held, delayMs: number): Promise<void> {
    const answer = this.#answer(held)
    const expected = answer === 'canceling' && held.undoes ? 'ok' : answer
    const error = held.undoes ? null : taskError('attempt_failed')
    equal(await this.#workers[held.worker]!.retry(held.claim, delayMs, error), expected)
    if (expected === 'ok') this.#model.requeue(held.task, { counts: true, delayMs, error: 'attempt_failed' })
  }

  async release(held: Held): Promise<void> {
    const holds = this.#holds(held)
    equal(await this.#workers[held.worker]!.release(held.claim), holds ? 'ok' : 'stale')
    if (holds) this.#model.requeue(held.task, { counts: false, error: null })
  }

  /** Gives a task back and claims again, so that tokens are used up. */
  async bounce(held: Held, times: number): Promise<void> {
    await this.release(held)
    for (let n = 1; n < times; n += 1) {
      await this.claim(held.worker, 1)
      const latest = this.pick(0, false)
      if (latest) await this.release(latest)
    }
  }

  end(held: Held, nth: number): (() => Promise<void>) | null {
    const { task, claim, worker, undoes } = held
    // An undo ends when nothing is left to undo, or fails.
    const endings = undoes ? [undoable(task) ? REVERT_FAILED : CANCELED] : ENDINGS
    const { status, reason } = endings[nth % endings.length]!
    return async () => {
      const outcome = await this.#workers[worker]!.end(claim, {
        status,
        reason,
        result: status === 'completed' ? '{"ok":[]}' : null,
        resource: status === 'completed' ? '/things/1' : null,
        error: reason === 'permanent_error' ? taskError('permanent_error', 'It cannot be.') : null,
      })
      if (!this.#holds(held)) return same(outcome, { outcome: 'stale' })
      const toUndo = this.#model.settle(task, { status, reason })
      if (!toUndo) return same(outcome, { outcome: 'ok', status: task.status, reason: task.reason })
      ok(outcome.outcome === 'undo')
      equal(outcome.claim.token, String(task.token))
      same(viewOf(outcome.claim.task), pictureOf(task))
      equal(outcome.claim.undos, task.undos)
      this.#held.push({ worker, claim: outcome.claim, task, undoes: true })
    }
  }

  async renew(worker: number): Promise<void> {
    const own = this.#held.filter((held) => held.worker === worker)
    const { stale, canceling } = await this.#workers[worker]!.renew(own.map(({ claim }) => claim))
    for (const held of own) {
      equal(stale.includes(held.claim), !this.#holds(held))
      equal(canceling.includes(held.claim), this.#answer(held) === 'canceling')
      if (this.#holds(held)) this.#model.lease(held.task)
    }
  }

  /** A claim: the latest of its task, or one that is lost. */
  pick(nth: number, lost: boolean): Held | null {
    const claims = this.#held.filter((held) => this.#holds(held) !== lost)
    return claims.length === 0 ? null : claims.at(-1 - (nth % claims.length))!
  }

  #holds({ task, claim }: Held): boolean {
    return task.place === 'held' && String(task.token) === claim.token
  }

  /** What a write under a claim answers, and whether it counts: not if the claim is lost. */
  #answer(held: Held): 'ok' | 'canceling' | 'stale' {
    if (!this.#holds(held)) return 'stale'
    return held.task.status === 'canceling' ? 'canceling' : 'ok'
  }
}

/** What is written of a step that is in a state: it begins, with an undo or without, or ends as such. */
function stepWrite(letter: StepLetter | undefined, how: 'finished' | 'undoable' | 'failed'): StepWrite {
  const hasUndo = how !== 'finished' || 'dpqy'.includes(letter ?? 'none')
  if (letter !== 'b' && letter !== 'd' && letter !== 'q') return hasUndo ? 'begun_undoable' : 'begun'
  if (how === 'failed') return how
  return letter === 'b' ? 'finished' : 'undoable'
}
