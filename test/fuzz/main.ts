import { parseArgs } from 'node:util'
import { startLocalRedis } from '@accepted/local-redis'
import { fuzzApi } from './api/fuzz-api.ts'
import type { FuzzOptions } from './fuzz-options.ts'
import { fuzzSlow } from './slow/fuzz-slow.ts'
import { fuzzWire } from './wire/fuzz-wire.ts'

const KINDS: Record<string, (options: FuzzOptions) => Promise<{ wrong: string[] }>> = {
  api: fuzzApi,
  wire: fuzzWire,
  slow: fuzzSlow,
}

/**
 * `npm run fuzz -- [--minutes 10] [--seed N] [--kind KIND]`: hostile input for a stack, of one kind or of all, one after the
 * other, for so many minutes each. Prints counts; exits with 1 if anything is wrong.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 2 ** 31)) },
    kind: { type: 'string' },
  },
})
const kinds = values.kind ? [values.kind] : Object.keys(KINDS)
const say = (words: string) => void process.stderr.write(`${new Date().toISOString()} ${words}\n`)
const redis = await startLocalRedis()
try {
  for (const kind of kinds) {
    const fuzz = KINDS[kind]
    if (!fuzz) throw new Error(`there is no kind ${kind}; there is ${Object.keys(KINDS).join(', ')}`)
    const forMs = Number(values.minutes) * 60_000
    const seed = Number(values.seed)
    say(`${kind}, --seed ${seed}`)
    const report = await fuzz({ redisUrl: redis.url, prefix: `fuzz-${kind}`, forMs, seed, say })
    process.stdout.write(`${JSON.stringify({ kind, seed, ...report }, null, 2)}\n`)
    if (report.wrong.length > 0) process.exitCode = 1
  }
} finally {
  await redis.stop()
}
