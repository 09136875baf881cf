import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startLocalRedis } from '@accepted/local-redis'
import { onTestFinished } from 'vitest'

/** A Redis of the test's own, which can be frozen and thawed, or killed and come back with its data. */
export async function mortalRedis() {
  const dataDir = await mkdtemp(join(tmpdir(), 'accepted-mortal-'))
  let redis = await startLocalRedis({ dataDir })
  onTestFinished(async () => {
    await redis.stop()
    await rm(dataDir, { recursive: true })
  })
  const { url, port } = redis
  return {
    url,
    freeze: () => void process.kill(redis.pid, 'SIGSTOP'),
    thaw: () => void process.kill(redis.pid, 'SIGCONT'),
    async kill() {
      process.kill(redis.pid, 'SIGKILL')
      await redis.exited
    },
    async revive() {
      redis = await startLocalRedis({ dataDir, port })
    },
  }
}
