import type { Socket } from 'node:net'
import { Agent, type Dispatcher, errors, Pool } from 'undici'
import { type ConnectionOptions, judgedConnector } from './judged-connection.ts'

export interface GuardOptions extends ConnectionOptions {
  /** How long a connection is kept for the next message, at most; a receiver may ask for less. */
  idleMs?: number
  /** With so many connections, no further one is kept. */
  mostKept?: number
  /** After so many origins undici's agent is replaced by a fresh one. */
  mostOrigins?: number
}

/** What sends callbacks: to permitted targets only, whatever it is asked. */
export interface GuardedAgent {
  /** For the next request; to be asked for anew each time. */
  readonly dispatcher: Dispatcher
  /** Connections that are being made, used or kept. */
  readonly connections: number
  /** Ends every connection at once. */
  close(): Promise<void>
}

/**
 * undici's agent on judged connections. Proxies are never used: behind one, nobody would be judged.
 *
 * HTTP/1.1 only, so that an answer that does not end can be cut off by destroying its connection, with nobody else on it.
 *
 * undici never forgets an origin whose connection broke (8 to 23 kB each; 8.12), and receivers come and go: an agent is
 * replaced in time, and ends when what is under way on it has ended.
 */
export function createGuardedAgent({
  rules,
  names,
  tls,
  connectTimeoutMs,
  idleMs = 4_000,
  mostKept = 1_000,
  mostOrigins = 1_000,
}: GuardOptions): GuardedAgent {
  const sockets = new Set<Socket>()
  const connect = judgedConnector({ rules, names, tls, connectTimeoutMs })
  const agents = new Set<Agent>()
  let origins = 0
  const freshAgent = () => {
    origins = 0
    const agent = new Agent({
      allowH2: false,
      connect(options, callback) {
        const socket = connect(options, callback)
        if (!socket) return
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      },
      factory(origin, options) {
        origins += 1
        return new Pool(origin, options)
      },
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      // Whoever sends bounds the whole attempt.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    agents.add(agent)
    const dispatcher = agent.compose((dispatch) => (options, handler) => {
      return dispatch(sockets.size >= mostKept ? { ...options, reset: true } : options, handler)
    })
    return { agent, dispatcher }
  }
  let current = freshAgent()
  return {
    get dispatcher() {
      if (origins >= mostOrigins) {
        const { agent } = current
        current = freshAgent()
        const forget = () => agents.delete(agent)
        agent.close().then(forget, forget)
      }
      return current.dispatcher
    },
    get connections() {
      return sockets.size
    },
    async close() {
      await Promise.all([...agents].map((agent) => agent.destroy()))
      // undici leaves alone what is still being connected; with an error it takes its timer away.
      for (const socket of sockets) socket.destroy(new errors.ClientDestroyedError())
    },
  }
}
