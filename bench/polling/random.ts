import type { Random } from '@accepted/core/testing'

/** A number whose logarithm is as likely to be anywhere between those of the bounds. */
export function logUniform(random: Random, from: number, to: number): number {
  return from * (to / from) ** random()
}

/** A number whose logarithm has a normal distribution; its median is 1. */
export function logNormal(random: Random, sigma: number): number {
  // Box and Muller; 1 - random() is never 0.
  return Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()))
}
