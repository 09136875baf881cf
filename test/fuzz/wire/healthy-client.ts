import { setTimeout as pause } from 'node:timers/promises'

const EVERY_MS = 200

/** A client that behaves, and what it was denied meanwhile. */
export interface HealthyClient {
  asked: number
  slowestMs: number
  faults: string[]
  /** Resolves when it has stopped. */
  stop(): Promise<void>
}

/** Asks again and again, for a list and on a fresh connection each time. @param withinMs in which each answer has to come */
export function healthyClient(
  url: () => string,
  headers: Record<string, string>,
  withinMs: number,
): HealthyClient {
  const client = { asked: 0, slowestMs: 0, faults: [] as string[] }
  let isStopped = false
  const asking = (async () => {
    while (!isStopped) {
      const startedMs = performance.now()
      const fault = await fetch(`${url()}/tasks?limit=1`, {
        headers: { ...headers, connection: client.asked % 2 === 0 ? 'close' : 'keep-alive' },
        signal: AbortSignal.timeout(withinMs),
      })
        .then(
          async (answer) =>
            (await answer.text()) && (answer.ok ? undefined : `was answered ${answer.status}`),
        )
        .catch((error: Error) => `had no answer within ${withinMs} ms: ${error.name}`)
      if (fault) client.faults.push(`a healthy client ${fault}`)
      client.asked += 1
      client.slowestMs = Math.max(client.slowestMs, Math.round(performance.now() - startedMs))
      await pause(EVERY_MS)
    }
  })()
  return Object.assign(client, {
    async stop() {
      isStopped = true
      await asking
    },
  })
}
