import type { Random } from '@accepted/core/testing'
import { logNormal, logUniform } from './random.ts'

/** The contract's range of task lengths, ms. */
export const SHORTEST_MS = 200
export const LONGEST_MS = 3_600_000

/** How many tasks a lane with a queue runs at once. */
export const SLOTS = 4

/** As many durations of an operation as the product keeps. */
const RECENT = 64

/** A task to simulate. Times in ms since it was accepted. */
export interface SimulatedTask {
  /** Until its end; the wait for a slot is part of it. */
  lengthMs: number
  beganMs: number
  /** What is known of such tasks, ascending. */
  recentMs: number[]
  /** How many wait before it. */
  aheadAt(ms: number): number
  progressAt(ms: number): Progress
}

/** What a task has told of itself. */
export interface Progress {
  percent: number
  movedMs: number
}

/** What an operation's lane is like for a task. */
interface Lane {
  recentMs: number[]
  /** When those that wait before the task begin, and last when it does itself. */
  beginsMs: number[]
}

/**
 * What is known of an operation's durations when a task of a length runs. Where they are known, the task is one of them
 * by chance: it stands anywhere in the distribution, and the distribution's median is such that it does.
 */
export const HISTORIES = {
  'σ 0.1': known((random) => logNormal(random, 0.1)),
  'σ 0.3': known((random) => logNormal(random, 0.3)),
  'σ 1': known((random) => logNormal(random, 1)),
  'two kinds': known((random) => (random() < 0.5 ? 1 : 9) * logNormal(random, 0.1)),
  'σ 0.3, queue': queued((random) => logNormal(random, 0.3)),
  'any length': (random: Random) => ({
    recentMs: sample(() => logUniform(random, SHORTEST_MS, LONGEST_MS)),
    beginsMs: [0],
  }),
  none: () => ({ recentMs: [], beginsMs: [0] }),
} satisfies Record<string, (random: Random, lengthMs: number) => Lane>
export type HistoryName = keyof typeof HISTORIES

/** How tasks tell their progress, at a moment as a share of their length. */
export const PROGRESSES = {
  none: () => () => ({ percent: 0, moved: 0 }),
  smooth: () => (at: number) => percents(at * 100, (percent) => percent / 100),
  'three steps': (random: Random) => {
    const [first, second] = [random(), random()].sort((a, b) => a - b) as [number, number]
    return (at: number) => {
      if (at < first) return { percent: 0, moved: 0 }
      return at < second ? { percent: 33, moved: first } : { percent: 66, moved: second }
    }
  },
  misleading: (random: Random) => {
    const fast = 0.1 + 0.4 * random()
    return (at: number) =>
      at < fast
        ? percents((at / fast) * 90, (percent) => (percent / 90) * fast)
        : percents(
            90 + ((at - fast) / (1 - fast)) * 10,
            (percent) => fast + ((percent - 90) / 10) * (1 - fast),
          )
  },
} satisfies Record<string, (random: Random) => (at: number) => { percent: number; moved: number }>
export type ProgressName = keyof typeof PROGRESSES

/** A task of a length, under conditions. */
export function makeTask(
  random: Random,
  lengthMs: number,
  history: HistoryName,
  progress: ProgressName,
): SimulatedTask {
  const told = PROGRESSES[progress](random)
  const { recentMs, beginsMs } = HISTORIES[history](random, lengthMs)
  const beganMs = beginsMs.at(-1)!
  const runMs = lengthMs - beganMs
  return {
    lengthMs,
    beganMs,
    recentMs: recentMs.sort((a, b) => a - b),
    aheadAt: (ms) => beginsMs.filter((begin) => begin > ms).length - 1,
    progressAt(ms) {
      const { percent, moved } = told((ms - beganMs) / runMs)
      return { percent, movedMs: beganMs + moved * runMs }
    },
  }
}

function known(draw: (random: Random) => number) {
  return (random: Random, lengthMs: number): Lane => {
    const median = lengthMs / draw(random)
    return { recentMs: sample(() => median * draw(random)), beginsMs: [0] }
  }
}

/** A lane whose slots are taken, and in which up to 20 tasks wait already. */
function queued(draw: (random: Random) => number) {
  return (random: Random, lengthMs: number): Lane => {
    const free = Array.from({ length: SLOTS }, () => random() * draw(random))
    const begins = Array.from({ length: 1 + Math.floor(random() * 21) }, () => {
      const begin = Math.min(...free)
      free[free.indexOf(begin)] = begin + draw(random)
      return begin
    })
    const scale = lengthMs / (begins.at(-1)! + draw(random))
    return {
      recentMs: sample(() => scale * draw(random)),
      beginsMs: begins.map((begin) => scale * begin),
    }
  }
}

function sample(draw: () => number): number[] {
  return Array.from({ length: RECENT }, draw)
}

/** Whole percents, with the moment at which the last one was reached. */
function percents(exact: number, reachedAt: (percent: number) => number) {
  const percent = Math.floor(exact)
  return { percent, moved: reachedAt(percent) }
}
