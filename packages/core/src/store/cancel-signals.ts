import type { Redis } from 'ioredis'
import type { Scripts } from './scripts.ts'

/**
 * Hears of running tasks that are canceled, quickly but not surely: what is missed while the connection is away is found in
 * the record when the lease is renewed or the attempt next writes.
 *
 * @param subscriber a connection of its own that waits for Redis (`connectForWork`); the caller closes it
 * @param onCancel told the task's id
 */
export async function listenForCancels(
  subscriber: Redis,
  scripts: Scripts,
  onCancel: (taskId: string) => void,
): Promise<void> {
  subscriber.on('message', (_channel, taskId) => onCancel(taskId))
  await subscriber.subscribe(
    ...Array.from({ length: scripts.shards }, (_, shard) => `${scripts.prefixOf(shard)}cancels`),
  )
}
