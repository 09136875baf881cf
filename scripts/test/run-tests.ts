import { createVitest, parseCLI } from 'vitest/node'
import { type Counts, countResults } from './count-results.ts'

/**
 * Runs vitest in this process, with the arguments that `vitest run` takes. The signal ends the run early but in order:
 * what it had started is taken down.
 * @returns the counts; errors outside of any test count as failed.
 * @throws Error if it cannot run: faulty arguments or configuration, a setup that fails, no file that matches.
 */
export async function runTests(args: readonly string[], signal: AbortSignal): Promise<Counts> {
  const { filter, options } = parseCLI(['vitest', 'run', ...args])
  const restoreSignals = keepSignals(['SIGINT', 'SIGTERM'])
  const vitest = await createVitest({ ...options, watch: false })
  restoreSignals()
  signal.addEventListener('abort', () => void vitest.cancelCurrentRun('keyboard-input'), { once: true })
  try {
    signal.throwIfAborted()
    const { testModules, unhandledErrors } = await vitest.start(filter)
    const counts = countResults(testModules)
    return { ...counts, failed: counts.failed + unhandledErrors.length }
  } finally {
    await vitest.close()
  }
}

/**
 * Remembers who listens to some signals.
 * @returns a function that drops later listeners. Vitest's own would exit within a millisecond and take nothing down.
 */
function keepSignals(signals: readonly NodeJS.Signals[]): () => void {
  const before = new Map(signals.map((name) => [name, process.listeners(name)]))
  return () => {
    for (const [name, kept] of before) {
      for (const listener of process.listeners(name))
        if (!kept.includes(listener)) process.off(name, listener)
    }
  }
}
