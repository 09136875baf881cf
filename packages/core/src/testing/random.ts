/** Numbers from 0 up to 1. */
export type Random = () => number

/** Chance that is the same in every run: a xorshift generator of 32 bits (Marsaglia, 2003). */
export function seeded(seed: number): Random {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
