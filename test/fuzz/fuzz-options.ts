/** What a kind of fuzzing is given. */
export interface FuzzOptions {
  redisUrl: string
  prefix: string
  forMs: number
  seed: number
  say: (words: string) => void
}
