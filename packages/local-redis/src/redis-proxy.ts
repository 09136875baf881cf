import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * `open`: passes all on. `black hole`: nothing arrives until it is another, as where packets get lost and TCP sends them
 * again. `mute`: passes on what clients say, and drops the answers; no use for a connection that is to live on. `shut`:
 * connections are refused.
 */
export type ProxyMode = 'open' | 'mute' | 'black hole' | 'shut'

/** A line to a Redis that can be cut, between a process and a Redis that is well. */
export interface RedisProxy {
  url: string
  /** From now on, for connections that exist as well. */
  set(mode: ProxyMode): Promise<void>
  /** Breaks the connections that exist. */
  cut(): void
  close(): Promise<void>
}

export async function startRedisProxy(redisUrl: string): Promise<RedisProxy> {
  const target = new URL(redisUrl)
  const sockets = new Set<Socket>()
  let mode: ProxyMode = 'open'
  const server = createServer((client) => {
    const redis = connect(Number(target.port), target.hostname)
    for (const [socket, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      sockets.add(socket)
      // The end of one side is told to the other by 'close'.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (data) => redis.write(data))
    redis.on('data', (data) => mode !== 'mute' && client.write(data))
    if (mode === 'black hole') for (const socket of [client, redis]) socket.pause()
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const shut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      cut()
    })
  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    url: `redis://127.0.0.1:${port}`,
    async set(next) {
      if (next === 'shut' && mode !== 'shut') await shut()
      if (next !== 'shut' && mode === 'shut') await listen(port)
      mode = next
      for (const socket of sockets) mode === 'black hole' ? socket.pause() : socket.resume()
    },
    cut,
    async close() {
      if (mode !== 'shut') await shut()
    },
  }
}
