import { parseArgs } from 'node:util'
import { startLocalRedis } from '@accepted/local-redis'
import type { MemorySample } from './judge-memory.ts'
import { megabytes, memorySoak } from './memory-soak.ts'

/** `npm run soak:memory -- [--tasks 1000000]`: prints a table; exits with 1 if memory is not flat. */
const { values } = parseArgs({ options: { tasks: { type: 'string', default: '1000000' } } })
const redis = await startLocalRedis()
try {
  const { samples, faults, ...report } = await memorySoak(redis.url, Number(values.tasks), (words) =>
    process.stderr.write(`${new Date().toISOString()} ${words}\n`),
  )
  process.stdout.write(`${tableOf(samples)}\n\n${JSON.stringify({ ...report, faults }, null, 2)}\n`)
  process.exitCode = faults.length > 0 || report.ended !== report.created ? 1 : 0
} finally {
  await redis.stop()
}

/** The highest of each minute. */
function tableOf(samples: MemorySample[]): string {
  const rows = [...Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / 60_000))].map(([minute, all]) => {
    const most = (bytesOf: (sample: MemorySample) => number) => megabytes(Math.max(...all.map(bytesOf)))
    return `| ${minute + 1} | ${all.at(-1)!.tasks.toLocaleString('en')} | ${most(({ redisBytes }) => redisBytes)} | ${most(({ apiBytes }) => apiBytes)} | ${most(({ workerBytes }) => workerBytes)} |`
  })
  return ['| minute | tasks | Redis | API | worker |', '| --- | --- | --- | --- | --- |', ...rows].join('\n')
}
