import type { Random } from '@accepted/core/testing'

/** Who may be struck. */
export const APIS = ['api 1', 'api 2'] as const
export const WORKERS = ['worker 1', 'worker 2'] as const
export type AppName = (typeof APIS)[number] | (typeof WORKERS)[number]
const APPS: readonly AppName[] = [...APIS, ...WORKERS]

/** What may go wrong. `forMs`: until it is mended. */
export type Fault =
  /** Kill -9; another is started in its place, Redis on the same data. */
  | { kind: 'kill'; who: AppName | 'redis'; forMs: number }
  /** SIGSTOP, then SIGCONT. */
  | { kind: 'freeze'; who: AppName | 'redis' | 'receiver'; forMs: number }
  /** Nobody, or one process, reaches Redis: connections are refused, or nothing comes through and late in the end. */
  | { kind: 'unreachable'; who: AppName | 'everybody'; how: 'refused' | 'silent'; forMs: number }
  /** Every connection is reset in the middle of its next command, or between that and its reply. */
  | { kind: 'reset'; who: AppName | 'everybody'; at: 'request' | 'reply'; forMs: number }
  | { kind: 'script flush' }
  | { kind: 'client kill' }
  /** Redis has no memory left: OOM. */
  | { kind: 'full'; forMs: number }
  /** The clock of a host is set so far from the right time. */
  | { kind: 'clock'; who: AppName | 'redis'; offMs: number; forMs: number }

/** A fault and when it comes, from the beginning. */
export type Strike = Fault & { atMs: number }

/** The kinds of faults, each with its chances: one round of a schedule has them all. */
function deck(random: Random): Fault[] {
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!
  const between = (least: number, most: number) => Math.round(least + random() * (most - least))
  const way = () => one(['refused', 'silent'] as const)
  const sign = () => one([-1, 1])
  return [
    { kind: 'kill', who: one(WORKERS), forMs: between(100, 3_000) },
    { kind: 'kill', who: one(WORKERS), forMs: between(100, 10_000) },
    { kind: 'kill', who: one(APIS), forMs: between(100, 3_000) },
    { kind: 'kill', who: 'redis', forMs: between(100, 5_000) },
    { kind: 'freeze', who: one(WORKERS), forMs: between(1_000, 8_000) },
    // Longer than a lease.
    { kind: 'freeze', who: one(WORKERS), forMs: between(9_000, 20_000) },
    { kind: 'freeze', who: one(APIS), forMs: between(500, 6_000) },
    { kind: 'freeze', who: 'redis', forMs: between(500, 12_000) },
    { kind: 'freeze', who: 'receiver', forMs: between(1_000, 8_000) },
    { kind: 'unreachable', who: 'everybody', how: way(), forMs: 1_000 },
    { kind: 'unreachable', who: 'everybody', how: way(), forMs: 10_000 },
    { kind: 'unreachable', who: 'everybody', how: way(), forMs: 40_000 },
    { kind: 'unreachable', who: one(APPS), how: way(), forMs: one([1_000, 10_000]) },
    { kind: 'reset', who: one(APPS), at: 'request', forMs: 500 },
    { kind: 'reset', who: one(APPS), at: 'reply', forMs: 500 },
    { kind: 'reset', who: 'everybody', at: one(['request', 'reply']), forMs: 500 },
    { kind: 'script flush' },
    { kind: 'client kill' },
    { kind: 'full', forMs: between(500, 5_000) },
    { kind: 'clock', who: one(APPS), offMs: sign() * between(1_000, 600_000), forMs: between(2_000, 30_000) },
    { kind: 'clock', who: 'redis', offMs: sign() * between(1_000, 30_000), forMs: between(5_000, 20_000) },
  ]
}

export interface ScheduleOptions {
  /** When the last fault has been mended, at the latest. */
  forMs: number
  /** No fault lasts longer, clocks apart. */
  longestMs?: number
}

/** How much of the faults come before the one before is over. */
const OVERLAPPING = 0.3

/** Which faults come when: the same for the same chance. Every round of kinds is in an order of its own. */
export function schedule(
  random: Random,
  { forMs, longestMs = Number.POSITIVE_INFINITY }: ScheduleOptions,
): Strike[] {
  const strikes: Strike[] = []
  let atMs = 1_000
  while (atMs < forMs) {
    for (const fault of shuffled(deck(random), random)) {
      const lasts = 'forMs' in fault ? Math.min(fault.forMs, longestMs) : 0
      const gapMs = 500 + random() * Math.min(5_000, longestMs)
      const overlaps = random() < OVERLAPPING
      if (atMs + lasts > forMs) continue
      strikes.push({
        ...fault,
        ...('forMs' in fault ? { forMs: lasts } : {}),
        atMs: Math.round(atMs),
      } as Strike)
      atMs += overlaps ? Math.min(gapMs, lasts) : lasts + gapMs
    }
  }
  return strikes
}

function shuffled<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const at = Math.floor(random() * (last + 1))
    ;[items[at], items[last]] = [items[last]!, items[at]!]
  }
  return items
}

/** A fault in words. */
export function wordsOf(fault: Fault): string {
  const { kind, ...rest } = fault
  return [kind, ...Object.entries(rest).map(([name, value]) => `${name} ${value}`)].join(', ')
}
