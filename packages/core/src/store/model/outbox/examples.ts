import type { Action } from './actions.ts'

const burst = (origin: number, count: number): Action => ({ act: 'burst', tenant: 0, origin, count })
/** Verdicts, by their places. */
const [DELIVERED, ILL, FAILED, AGAIN] = [0, 1, 3, 5]

/** Receivers that answer at once. */
const quick = (...origins: number[]): Action[] =>
  origins.flatMap((origin) => [burst(origin, 1), { act: 'send', count: 1, verdict: DELIVERED }])

/** Three flows of a tenant that is at its cap. */
const standingAside: Action[] = [
  ...quick(0, 1, 2, 3),
  burst(0, 2),
  { act: 'take', count: 2 },
  burst(1, 1),
  burst(2, 1),
  burst(3, 1),
  { act: 'take', count: 1 },
]

/** What once failed is tried first. */
export const EXAMPLES: [Action[]][] = [
  // What was woken had nothing any more, or lost it: of those that stood aside none was woken ever again.
  ...[true, false].map((before): [Action[]] => {
    const settle: Action = { act: 'settle', held: 1, lost: false, verdict: DELIVERED, count: 1 }
    const remove: Action = { act: 'delete', task: 2 }
    return [[...standingAside, ...(before ? [remove, settle] : [settle, remove]), settle]]
  }),
  // A worker came while flows stood aside: they had to wait until something else of their tenant was over.
  [
    [
      ...standingAside,
      { act: 'join', worker: 2, cap: 2 },
      { act: 'take', count: 2 },
      { act: 'leave', worker: 2 },
    ],
  ],
  // The flow that was woken is let alone since its receiver does not answer.
  [
    [
      burst(0, 6),
      { act: 'send', count: 4, verdict: ILL },
      burst(1, 1),
      { act: 'take', count: 2 },
      burst(2, 1),
      { act: 'take', count: 1 },
      { act: 'settle', held: 0, lost: false, verdict: DELIVERED, count: 1 },
      { act: 'settle', held: 0, lost: false, verdict: AGAIN, count: 1 },
    ],
  ],
  // The lane's cap sank below that of an endpoint on its way back: its recovery made its cap smaller.
  [
    [
      burst(1, 6),
      { act: 'join', worker: 0, cap: 4 },
      { act: 'outage', rounds: 0 },
      burst(0, 1),
      { act: 'outage', rounds: 1 },
      { act: 'send', count: 1, verdict: DELIVERED },
      { act: 'take', count: 1 },
      { act: 'join', worker: 0, cap: 1 },
      { act: 'send', count: 1, verdict: DELIVERED },
    ],
  ],
  // What is tried once more at a receiver that turns out to be quick makes room for slow ones.
  [
    [
      burst(0, 1),
      { act: 'take', count: 1 },
      burst(1, 1),
      { act: 'take', count: 1 },
      { act: 'settle', held: 0, lost: false, verdict: AGAIN, count: 1 },
    ],
  ],
  // A slow flow that was woken for a slot of its tenant, and may not have it, wakes the quick one behind it.
  [
    [
      ...quick(0, 3),
      burst(3, 2),
      { act: 'take', count: 2 },
      ...[1, 2, 0].flatMap((origin): Action[] => [burst(origin, 1), { act: 'take', count: 1 }]),
      { act: 'settle', held: 1, lost: false, verdict: DELIVERED, count: 1 },
      { act: 'take', count: 1 },
      { act: 'settle', held: 1, lost: false, verdict: DELIVERED, count: 1 },
      { act: 'take', count: 1 },
    ],
  ],
  // An endpoint at which nothing was ever tried was remembered for ever.
  [[burst(0, 1), { act: 'delete', task: 0 }]],
  // Who asked for a delivery that waited lost its place.
  [[burst(0, 2), burst(0, 1), { act: 'redeliver', delivery: 2, foreign: false }]],
  // Progress that was asked for again was taken for obsolete, and its delivery vanished.
  [
    [
      { act: 'begin', tenant: 0, origin: 0, wish: 1, confirms: false },
      { act: 'progress', task: 0, more: 1 },
      { act: 'send', count: 1, verdict: DELIVERED },
      { act: 'finish', task: 0, well: true },
      { act: 'redeliver', delivery: 0, foreign: false },
      { act: 'take', count: 1 },
    ],
  ],
  // Each failure put its task into the list of its expiry once more.
  [
    [
      burst(0, 1),
      { act: 'send', count: 1, verdict: FAILED },
      { act: 'redeliver', delivery: 0, foreign: false },
      { act: 'send', count: 1, verdict: FAILED },
    ],
  ],
  // A recovery made a task come alive that had been gone.
  [
    [
      burst(0, 1),
      { act: 'send', count: 1, verdict: FAILED },
      { act: 'pass', seconds: 90, watched: false },
      { act: 'look' },
      { act: 'recover', name: 0, tenant: 0, origin: null, times: 'all', most: 3 },
    ],
  ],
  // Progress that was obsolete failed when it had waited too long, and kept its task.
  [
    [
      burst(0, 6),
      burst(0, 6),
      { act: 'begin', tenant: 0, origin: 0, wish: 1, confirms: false },
      { act: 'progress', task: 0, more: 1 },
      { act: 'finish', task: 0, well: true },
      { act: 'send', count: 5, verdict: ILL },
      { act: 'outage', rounds: 2 },
    ],
  ],
]
