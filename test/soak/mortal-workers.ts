import { type LogLine, MortalApp, messageOf } from '../mortal-app.ts'

/** Workers of which any may be killed; another takes its place. */
export interface MortalWorkers {
  /** Kills (-9) one of them and starts another; resolves when the first is gone. */
  killOne(): Promise<void>
  /** What they said at level `warn` or above, and how often. */
  said: Map<string, number>
  end(): Promise<void>
}

/** Starts so many workers. @param random 0 ≤ x < 1 */
export async function startMortalWorkers(
  count: number,
  environment: Record<string, string>,
  random: () => number,
): Promise<MortalWorkers> {
  const said = new Map<string, number>()
  const hear = (line: LogLine) => void said.set(messageOf(line), (said.get(messageOf(line)) ?? 0) + 1)
  const workers = Array.from({ length: count }, () => new MortalApp('worker', { environment, hear }))
  const starts = workers.map((worker) => worker.start())
  await Promise.all(starts)
  return {
    said,
    async killOne() {
      const at = Math.floor(random() * count)
      await workers[at]!.end('SIGKILL')
      starts[at] = workers[at]!.start()
      // It may be killed before it is up.
      starts[at].catch(() => undefined)
    },
    async end() {
      await Promise.all(workers.map((worker) => worker.end('SIGTERM')))
    },
  }
}
