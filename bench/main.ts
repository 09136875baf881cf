import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { startLocalRedis } from '@accepted/local-redis'
import { type Figure, table } from './figures.ts'
import { http } from './http.bench.ts'
import { memory } from './memory.bench.ts'
import { report } from './report.bench.ts'
import { tasks } from './tasks.bench.ts'
import { waiting } from './waiting.bench.ts'

/** `npm run bench -- [--save] [NAME…]`: measures, prints, and with `--save` keeps the figures in bench/figures.md. */
const BENCHES: Record<string, (redisUrl: string) => Promise<Figure[]>> = {
  http,
  tasks,
  memory,
  report,
  waiting,
}

const words = process.argv.slice(2)
const chosen = words.filter((word) => word in BENCHES)
const figures: Figure[] = []
for (const name of chosen.length > 0 ? chosen : Object.keys(BENCHES)) {
  process.stderr.write(`measuring ${name} …\n`)
  const redis = await startLocalRedis()
  try {
    figures.push(...(await BENCHES[name]!(redis.url)))
  } finally {
    await redis.stop()
  }
}
const text = `${table(figures)}\n\nNode ${process.version}, ${availableParallelism()} cores, medians of rounds measured in turn.\n`
process.stdout.write(`\n${text}`)
if (words.includes('--save')) {
  await writeFile(
    new URL('figures.md', import.meta.url),
    `# Latest figures\n\nMade by \`npm run bench -- --save\`.\n\n${text}`,
  )
}
