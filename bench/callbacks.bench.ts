import { isolation } from './callbacks/isolation.ts'
import { throughput } from './callbacks/throughput.ts'
import type { Figure } from './figures.ts'

/** Callbacks beside a receiver that is dead, and how many a second, each beside what teams write by hand. */
export async function callbacks(redisUrl: string): Promise<Figure[]> {
  return [...(await isolation(redisUrl)), ...(await throughput(redisUrl))]
}
