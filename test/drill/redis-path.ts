import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The two ends of a connection that goes through a path. */
interface Link {
  near: Socket
  far: Socket
}

/** A way of one process to Redis, which can be cut. */
export class RedisPath {
  readonly #redisPort: number
  readonly #server: Server
  readonly #links = new Set<Link>()
  #port = 0
  #silent = false
  #resetAt: 'request' | 'reply' | undefined

  constructor(redisPort: number) {
    this.#redisPort = redisPort
    this.#server = createServer((near) => this.#link(near))
  }

  /** Opens it; resolves to the URL that leads over it. */
  async open(): Promise<string> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
    return `redis://127.0.0.1:${this.#port}`
  }

  /** Resets what is connected, and refuses what would be; until `open`. */
  async refuse(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const link of this.#links) cut(link)
    await closed
  }

  /** Nothing comes through, without a word; what was sent meanwhile comes late, once it is not silent any more. */
  set silent(silent: boolean) {
    this.#silent = silent
    for (const { near, far } of this.#links) {
      for (const socket of [near, far]) {
        if (silent) socket.pause()
        else socket.resume()
      }
    }
  }

  /** Resets each connection in the middle of the next thing that it sends, or when the reply to it comes; until undefined. */
  set resetAt(place: 'request' | 'reply' | undefined) {
    this.#resetAt = place
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse()
  }

  #link(near: Socket): void {
    const far = connect(this.#redisPort, '127.0.0.1')
    const link = { near, far }
    this.#links.add(link)
    near.on('data', (bytes) => {
      if (this.#resetAt !== 'request') return void far.write(bytes)
      // The first half arrives: a reset could take it away again.
      far.end(bytes.subarray(0, bytes.length / 2))
      near.resetAndDestroy()
    })
    far.on('data', (bytes) => {
      if (this.#resetAt === 'reply') cut(link)
      else near.write(bytes)
    })
    const ends: [Socket, Socket][] = [
      [near, far],
      [far, near],
    ]
    for (const [socket, other] of ends) {
      socket.setNoDelay(true)
      if (this.#silent) socket.pause()
      socket.on('error', () => cut(link))
      socket.on('close', () => {
        other.end()
        this.#links.delete(link)
      })
    }
  }
}

/** Both ends learn of it at once. */
function cut({ near, far }: Link): void {
  for (const socket of [near, far]) if (!socket.destroyed) socket.resetAndDestroy()
}
