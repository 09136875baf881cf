import fc from 'fast-check'

/** How long sequences are: more and longer ones by hand, see CONTRIBUTING.md. */
const LENGTH = Number(process.env.LIFE_LENGTH ?? 30)
const SEED = process.env.LIFE_SEED ? { seed: Number(process.env.LIFE_SEED) } : {}

/** How many sequences a test tries, unless it is said otherwise by hand. */
export function runsOf(usual: number): number {
  return Number(process.env.LIFE_RUNS ?? usual)
}

/** How long so many sequences may take, ms. */
export function timeoutOf(runs: number): number {
  return 60_000 + runs * LENGTH * 20
}

export interface Sequences<Action> {
  anyAction: fc.Arbitrary<Action>
  /** What once failed is tried first. */
  examples: [Action[]][]
  runs: number
  /**
   * The clock of a picture moves by leaps only. A sequence that a halting machine drew out for so long is not judged, since limits
   * may have passed between its leaps: another is tried.
   */
  slowMs: number
  /** Goes through one sequence, from nothing to nothing. @throws {AssertionError} where the store is not as it should be */
  live: (actions: Action[]) => Promise<void>
}

/** Tries sequences of acts; a failure prints the shortest one that shows it. @throws {Error} */
export async function trySequences<Action>({
  anyAction,
  examples,
  runs,
  slowMs,
  live,
}: Sequences<Action>): Promise<void> {
  const sequences = fc.noBias(fc.array(anyAction, { maxLength: LENGTH, size: 'max' }))
  const property = fc.asyncProperty(sequences, async (actions) => {
    const began = performance.now()
    try {
      await live(actions)
    } catch (error) {
      fc.pre(performance.now() - began < slowMs)
      throw error
    }
  })
  await fc.assert(property, { numRuns: runs, examples, ...SEED })
}
