import { TASK_STATUSES, type TaskStatus } from '@accepted/contract'
import fc from 'fast-check'
import { KINDS, TENANTS, type Wish } from './clients.ts'
import { ENDINGS } from './workers.ts'

/**
 * What may happen. Tasks and claims are named by their place, the newest first, so that a sequence which was made shorter
 * still means something; `held` with `lost` is a claim of a worker that does not know yet that it is not the latest.
 */
export type Action =
  | ({ act: 'create' | 'begin' } & Wish)
  | { act: 'claim'; worker: number; most: number }
  | { act: 'renew'; worker: number }
  | { act: 'step'; held: number; lost: boolean; whole: boolean; how: 'finished' | 'undoable' | 'failed' }
  | { act: 'progress'; held: number; lost: boolean; percent: number }
  | { act: 'retry'; held: number; lost: boolean; delayMs: number }
  | { act: 'bounce'; held: number; lost: boolean; times: number }
  | { act: 'release'; held: number; lost: boolean }
  | { act: 'end'; held: number; lost: boolean; ending: number }
  | { act: 'cancel' | 'confirm' | 'delete'; task: number; foreign: boolean }
  | { act: 'crash'; survivor: number | null; times: number }
  | { act: 'pass'; seconds: number; watched: boolean }
  | { act: 'tick' | 'read' | 'again' }
  | { act: 'squeeze'; keep: number }
  | { act: 'limit'; tenant: number; running: number | null }
  | { act: 'list'; tenant: number; status: TaskStatus | null }

const below = (count: number) => fc.nat({ max: count - 1 })
const mostly = <T>(usual: T, seldom: T) => fc.constantFrom(...Array<T>(5).fill(usual), seldom)
const word = <const T extends string>(act: T) => fc.constant(act)
const claim = { held: below(6), lost: mostly(false, true) }

/** Any action; those that lead far are more frequent. */
export const anyAction: fc.Arbitrary<Action> = fc.oneof(
  ...(['create', 'begin'] as const).map((act) => ({
    weight: 4,
    arbitrary: fc.record({
      act: word(act),
      tenant: below(TENANTS.length),
      kind: below(KINDS.length),
      priority: fc.constantFrom(3, 0, 5),
      key: fc.option(below(2), { freq: 2 }),
    }),
  })),
  {
    weight: 9,
    arbitrary: fc.record({ act: word('claim'), worker: below(2), most: fc.constantFrom(1, 1, 3) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      act: word('step'),
      ...claim,
      how: fc.constantFrom('undoable', 'undoable', 'finished', 'failed'),
      whole: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: word('progress'), ...claim, percent: below(101) }) },
  { weight: 2, arbitrary: fc.record({ act: word('retry'), ...claim, delayMs: fc.constantFrom(0, 18_000) }) },
  { weight: 2, arbitrary: fc.record({ act: word('release'), ...claim }) },
  { weight: 1, arbitrary: fc.record({ act: word('bounce'), ...claim, times: fc.constantFrom(1, 12) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: word('end'),
      ...claim,
      ending: fc.oneof(fc.constant(0), below(ENDINGS.length)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: word('renew'), worker: below(2) }) },
  ...(['cancel', 'confirm', 'delete'] as const).map((act) => ({
    weight: act === 'delete' ? 1 : 2,
    arbitrary: fc.record({ act: word(act), task: below(4), foreign: mostly(false, true) }),
  })),
  {
    weight: 4,
    arbitrary: fc.record({
      act: word('pass'),
      seconds: fc.constantFrom(10, 10, 20, 30, 100),
      watched: mostly(true, false),
    }),
  },
  { weight: 5, arbitrary: fc.record({ act: word('tick') }) },
  { weight: 1, arbitrary: fc.record({ act: word('squeeze'), keep: below(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      act: word('limit'),
      tenant: below(TENANTS.length),
      running: fc.constantFrom(1, 1, 2, 3, null),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: word('crash'),
      survivor: fc.option(below(2), { freq: 1 }),
      times: fc.constantFrom(1, 1, 2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ act: word('again') }) },
  { weight: 1, arbitrary: fc.record({ act: word('read') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      act: word('list'),
      tenant: below(TENANTS.length),
      status: fc.constantFrom(null, ...TASK_STATUSES),
    }),
  },
)
