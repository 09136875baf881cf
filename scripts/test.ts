import { runChecks } from './check/run-checks.ts'
import { projectRoot } from './project-root.ts'
import { onStopRequests } from './stop-requests.ts'
import { countsLine } from './test/count-results.ts'
import { runTests } from './test/run-tests.ts'

// npm test [arguments of vitest]: the checks (only without arguments), the tests, and a last line that counts them.
const args = process.argv.slice(2)
const say = (words: string) => void process.stdout.write(`${words}\n`)
const interruptedCode = 130
const stopTimeoutMs = 10_000

const stopping = new AbortController()
onStopRequests({
  stop: () => {
    say('stopping')
    stopping.abort()
    setTimeout(() => process.exit(interruptedCode), stopTimeoutMs)
  },
  stopAtOnce: () => process.exit(interruptedCode),
})

const counts = { passed: 0, failed: 0, skipped: 0 }
try {
  if (args.length === 0) counts.failed += await runChecks(projectRoot, say, stopping.signal)
  const { passed, failed, skipped } = await runTests(args, stopping.signal)
  Object.assign(counts, { passed, failed: counts.failed + failed, skipped })
} catch (error) {
  if (!stopping.signal.aborted) {
    say((error as Error).stack ?? String(error))
    counts.failed++
  }
}
if (stopping.signal.aborted) process.exit(interruptedCode)
say(countsLine(counts))
process.exit(counts.failed === 0 ? 0 : 1)
