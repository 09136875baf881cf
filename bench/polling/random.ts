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

/** A number whose logarithm is as likely to be anywhere between those of the bounds. */
export function logUniform(random: Random, from: number, to: number): number {
  return from * (to / from) ** random()
}

/** A number whose logarithm has a normal distribution; its median is 1. */
export function logNormal(random: Random, sigma: number): number {
  // Box and Muller; 1 - random() is never 0.
  return Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}
