import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findClockLibrary } from '@accepted/local-redis'
import { drill } from './drill.ts'

/**
 * `npm run drill -- [--minutes 10] [--seed N] [--rate 10]`: plays faults on a stack at work. Exits with 1 if anything is wrong
 * in the end; the seed repeats the faults.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 2 ** 31)) },
    rate: { type: 'string', default: '10' },
  },
})
const say = (words: string) => void process.stderr.write(`${new Date().toISOString()} ${words}\n`)
let exitCode = 1
const dataDir = await mkdtemp(join(tmpdir(), 'accepted-drill-'))
try {
  const library = await findClockLibrary()
  if (!library) say('there is no libfaketime: the clock of Redis will be right all the time')
  const report = await drill({
    dataDir,
    seed: Number(values.seed),
    forMs: Number(values.minutes) * 60_000,
    tasksPerSecond: Number(values.rate),
    clockLibrary: library,
    say,
  })
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(report, null, 2)}\n`, resolve))
  exitCode = report.wrong.length > 0 ? 1 : 0
} finally {
  await rm(dataDir, { recursive: true, force: true })
}
// Left to end by itself Node 24 may wait for ever, busily, for the handle of a connection that was reset.
process.exit(exitCode)
