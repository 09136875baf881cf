import type { CallbackEvent } from '@accepted/contract'
import fc from 'fast-check'
import type { DeliveryAttempt, EndpointHealth, Verdict } from '../../outbox.ts'

export const TENANTS = ['north', 'south']
export const ORIGINS = ['https://a.example', 'https://b.example', 'https://c.example', 'https://d.example']
/** The slots of the workers that may come and go. */
export const WORKERS = [2, 1, 4]

/** Which events a task's callbacks tell of. */
export const WISHES: CallbackEvent[][] = [
  ['completed', 'failed', 'canceled'],
  ['progress'],
  ['started', 'progress', 'awaiting_confirmation', 'completed', 'failed', 'canceled'],
  ['started', 'failed'],
]

const OUTCOMES: ['delivered' | 'failed' | 'again' | 'retry' | 'release', EndpointHealth, number][] = [
  ['delivered', 'well', 0],
  ['retry', 'ill', 4_000],
  ['retry', 'so_so', 60_000],
  ['failed', 'so_so', 0],
  ['failed', 'ill', 0],
  ['again', 'ill', 0],
  ['release', 'so_so', 0],
  ['release', 'so_so', 60_000],
]

function verdictsAfter(durationMs: number): Verdict[] {
  return OUTCOMES.map(([follows, health, delayMs]) => {
    const attempt: DeliveryAttempt = {
      atMs: 1_763_678_400_000,
      httpStatus: follows === 'delivered' ? 204 : 500,
      error: follows === 'delivered' ? null : 'it answered 500',
      durationMs,
    }
    if (follows === 'release') return { follows, delayMs }
    return follows === 'retry' ? { follows, delayMs, attempt, health } : { follows, attempt, health }
  })
}

/** What may come of an attempt: of those that are quick, then of those that are slow. */
export const VERDICTS: Verdict[] = [...verdictsAfter(12), ...verdictsAfter(1_000)]
export const [DELIVERED, ILL] = VERDICTS as [Verdict, Verdict]

/**
 * What may happen. Tasks, deliveries and attempts are named by their place, the newest first, so that a sequence which was made
 * shorter still means something; `lost`: an attempt of a worker that does not know yet that it has lost it.
 */
export type Action =
  | { act: 'begin'; tenant: number; origin: number; wish: number; confirms: boolean }
  | { act: 'burst'; tenant: number; origin: number; count: number }
  | { act: 'claim' | 'tick' | 'squeeze' | 'look' }
  | { act: 'progress'; task: number; more: number }
  | { act: 'finish'; task: number; well: boolean }
  | { act: 'return' | 'cancel' | 'confirm' | 'delete'; task: number }
  | { act: 'take'; count: number }
  | { act: 'settle'; held: number; lost: boolean; verdict: number; count: number }
  | { act: 'send'; count: number; verdict: number }
  | { act: 'outage'; rounds: number }
  | { act: 'redeliver'; delivery: number; foreign: boolean }
  | {
      act: 'recover'
      name: number
      tenant: number
      origin: number | null
      times: 'all' | 'old' | 'recent'
      most: number
    }
  | { act: 'pass'; seconds: number; watched: boolean }
  | { act: 'wait' | 'lose'; seconds: number }
  | { act: 'join'; worker: number; cap: number }
  | { act: 'leave'; worker: number }

const below = (count: number) => fc.nat({ max: count - 1 })
const mostly = <T>(usual: T, seldom: T) => fc.constantFrom(...Array<T>(5).fill(usual), seldom)
const word = <const T extends string>(act: T) => fc.constant(act)
const tenant = mostly(0, 1)
const origin = fc.constantFrom(0, 0, 1, 2, 3)
const task = below(4)
const verdict = fc.oneof(
  fc.constantFrom(0, 0, 1, OUTCOMES.length, OUTCOMES.length + 1),
  below(VERDICTS.length),
)

/** Any action; those that lead far are more frequent. */
export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      act: word('begin'),
      tenant,
      origin,
      wish: below(WISHES.length),
      confirms: mostly(false, true),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ act: word('burst'), tenant, origin, count: fc.constantFrom(1, 2, 6) }),
  },
  {
    weight: 9,
    arbitrary: fc.record({ act: word('progress'), task: below(2), more: fc.constantFrom(0, 1, 10) }),
  },
  { weight: 3, arbitrary: fc.record({ act: word('finish'), task, well: fc.boolean() }) },
  ...(['return', 'cancel', 'confirm', 'delete'] as const).map((act) => ({
    weight: act === 'delete' ? 3 : 1,
    arbitrary: fc.record({ act: word(act), task }),
  })),
  { weight: 1, arbitrary: fc.record({ act: word('claim') }) },
  { weight: 8, arbitrary: fc.record({ act: word('take'), count: fc.constantFrom(1, 1, 2, 8) }) },
  {
    weight: 10,
    arbitrary: fc.record({
      act: word('settle'),
      held: below(4),
      lost: mostly(false, true),
      verdict,
      count: fc.constantFrom(1, 1, 3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: word('send'), count: fc.constantFrom(1, 5), verdict }) },
  { weight: 3, arbitrary: fc.record({ act: word('outage'), rounds: below(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ act: word('redeliver'), delivery: below(8), foreign: mostly(false, true) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: word('recover'),
      name: below(2),
      tenant,
      origin: fc.option(origin, { freq: 1 }),
      times: fc.constantFrom('all', 'all', 'old', 'recent'),
      most: fc.constantFrom(1, 3),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: word('pass'),
      seconds: fc.constantFrom(5, 20, 60, 90, 90),
      watched: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ act: word('wait'), seconds: fc.constantFrom(1, 5, 60) }) },
  { weight: 2, arbitrary: fc.record({ act: word('lose'), seconds: fc.constant(20) }) },
  { weight: 2, arbitrary: fc.record({ act: word('tick') }) },
  { weight: 1, arbitrary: fc.record({ act: word('squeeze') }) },
  { weight: 1, arbitrary: fc.record({ act: word('look') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: word('join'),
      worker: below(WORKERS.length),
      cap: fc.constantFrom(2, 2, 1, 4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: word('leave'), worker: below(WORKERS.length) }) },
)
