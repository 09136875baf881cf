import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { text } from 'node:stream/consumers'

/**
 * Receivers of callbacks, each an origin of its own: HEALTHY ones, that answer 204, and DEAD ones, that accept, read and never
 * answer. Tells their URLs; asked over IPC, what has come since it was asked last.
 */
export interface Arrivals {
  /** From what a message tells of to its arrival, ms. */
  latencies: number[]
  /** On this machine's clock, ms since the epoch; when nothing came: ∞, 0. */
  firstMs: number
  lastMs: number
}

const nothing = (): Arrivals => ({ latencies: [], firstMs: Number.MAX_SAFE_INTEGER, lastMs: 0 })
let arrivals = nothing()

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const now = performance.timeOrigin + performance.now()
  arrivals.firstMs = Math.min(arrivals.firstMs, now)
  arrivals.lastMs = now
  arrivals.latencies.push(now - Date.parse(/"timestamp":"([^"]+)"/.exec(body)![1]!))
  response.writeHead(204).end()
}

async function urlOf(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

const several = (count: string | undefined, make: () => Server) =>
  Promise.all(Array.from({ length: Number(count) }, () => urlOf(make())))

const healthy = await several(process.env.HEALTHY, () => createHttpServer(take))
const dead = await several(process.env.DEAD, () =>
  createServer((socket) => socket.resume().on('error', () => undefined)),
)
process.on('message', () => {
  process.send?.(arrivals)
  arrivals = nothing()
})
process.send?.({ kind: 'ready', healthy, dead })
process.once('SIGTERM', () => process.exit(0))
