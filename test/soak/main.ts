import { parseArgs } from 'node:util'
import { startLocalRedis } from '@accepted/local-redis'
import { isFaulty, soak } from './soak.ts'

/** `npm run soak -- [--minutes 10] [--rate 20]`: exits with 1 if a message is missing, or came more often than can be explained. */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, rate: { type: 'string', default: '20' } },
})
const redis = await startLocalRedis()
try {
  const report = await soak({
    redisUrl: redis.url,
    prefix: 'soak',
    forMs: Number(values.minutes) * 60_000,
    tasksPerSecond: Number(values.rate),
    say: (words) => void process.stderr.write(`${new Date().toISOString()} ${words}\n`),
  })
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  process.exitCode = isFaulty(report) ? 1 : 0
} finally {
  await redis.stop()
}
