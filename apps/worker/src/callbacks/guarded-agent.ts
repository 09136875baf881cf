import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { judgeAddresses, type NameResolver, resolveHost, type TargetRules } from '@accepted/core'
import { Agent, buildConnector, type Dispatcher, errors } from 'undici'
import { ForbiddenTarget } from './forbidden-target.ts'
import { UnresolvedName } from './unresolved-name.ts'

export interface GuardOptions {
  rules: TargetRules
  names: NameResolver
  /** From `readTlsContext`. */
  tls: SecureContext
  /** From the look-up to the end of the TLS handshake. */
  connectTimeoutMs?: number
  /** How long a connection is kept for the next message, at most; a receiver may ask for less. */
  idleMs?: number
  /** With so many connections, no further one is kept. */
  mostKept?: number
}

/** What sends callbacks: to permitted targets only, whatever it is asked. */
export interface GuardedAgent {
  dispatcher: Dispatcher
  /** Connections that are being made, used or kept. */
  readonly connections: number
  /** Ends every connection at once. */
  close(): Promise<void>
}

/** Each of a host's addresses but the last has so long; then the next is tried beside it (RFC 8305). */
const NEXT_ADDRESS_MS = 250

/** Of the time to connect, what a look-up may take: a name server that is slow leaves time for a receiver that is not. */
const LOOK_UP_SHARE = 0.5

/**
 * One undici agent whose every connection is judged three times: a literal address before, each address that a name has when it
 * is looked up for this connection, and the address that the socket is connected to before a byte is sent. undici and Node
 * do not ask `lookup` about literals, and a name may lead elsewhere at every look-up (rebinding), so none of the three
 * can stand for another. Proxies are never used: behind one, nothing of this would be seen.
 *
 * HTTP/1.1 only, so that an answer that does not end can be cut off by destroying its connection, with nobody else on it.
 */
export function createGuardedAgent({
  rules,
  names,
  tls,
  connectTimeoutMs = 5_000,
  idleMs = 4_000,
  mostKept = 1_000,
}: GuardOptions): GuardedAgent {
  const sockets = new Set<Socket>()
  const lookUpMs = connectTimeoutMs * LOOK_UP_SHARE
  const connectorOf = (protocol: string) =>
    buildConnector({
      allowH2: false,
      timeout: connectTimeoutMs,
      secureContext: tls,
      lookup: judgedLookup(protocol, rules, names, lookUpMs),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    })
  const connectors = { 'http:': connectorOf('http:'), 'https:': connectorOf('https:') }
  const agent = new Agent({
    allowH2: false,
    connect(options, callback) {
      const connect = connectors[options.protocol as keyof typeof connectors]
      const socket = connectJudged(connect, rules, options, callback)
      if (!socket) return
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    // Whoever sends bounds the whole attempt.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    dispatcher: agent.compose((dispatch) => (options, handler) => {
      return dispatch(sockets.size >= mostKept ? { ...options, reset: true } : options, handler)
    }),
    get connections() {
      return sockets.size
    },
    async close() {
      await agent.destroy()
      // undici leaves alone what is still being connected; with an error it takes its timer away.
      for (const socket of sockets) socket.destroy(new errors.ClientDestroyedError())
    },
  }
}

/** The socket that is being connected, or nothing if its address is a literal that is forbidden. */
function connectJudged(
  connect: buildConnector.connector,
  rules: TargetRules,
  options: buildConnector.Options,
  callback: buildConnector.Callback,
): Socket | undefined {
  const { protocol, hostname } = options
  let refusal = isIP(hostname) ? refusalOf(protocol, [hostname], rules) : undefined
  if (refusal) {
    process.nextTick(callback, refusal, null)
    return undefined
  }
  // A connector of undici returns its socket, though its type does not say so.
  const socket = connect(options, (...outcome) => {
    if (refusal) callback(refusal, null)
    else callback(...outcome)
  }) as unknown as Socket
  // Before all others that wait for the connection, so that not even the TLS handshake has begun.
  socket.prependOnceListener('connect', () => {
    refusal = remoteRefusalOf(protocol, socket.remoteAddress, rules)
    if (refusal) socket.destroy(refusal)
  })
  return socket
}

function judgedLookup(
  protocol: string,
  rules: TargetRules,
  names: NameResolver,
  withinMs: number,
): LookupFunction {
  return (hostname, _options, done) => {
    resolveHost(hostname, rules, names, withinMs)
      .then((resolution) => {
        if (resolution.outcome !== 'addresses') throw new UnresolvedName(UNRESOLVED[resolution.outcome])
        const refusal = refusalOf(protocol, resolution.addresses, rules)
        if (refusal) throw refusal
        return resolution.addresses.map((address) => ({ address, family: isIP(address) }))
      })
      .then(
        (addresses) => done(null, addresses),
        (error) => done(error, []),
      )
  }
}

const UNRESOLVED = {
  unknown: 'the host name does not exist',
  unanswered: 'the host name could not be looked up',
}

function refusalOf(protocol: string, addresses: readonly string[], rules: TargetRules): Error | undefined {
  const judged = judgeAddresses(protocol, addresses, rules)
  return judged.verdict === 'forbidden' ? new ForbiddenTarget(judged.detail) : undefined
}

function remoteRefusalOf(
  protocol: string,
  address: string | undefined,
  rules: TargetRules,
): Error | undefined {
  // Whoever is gone already has no address any more.
  if (address === undefined) return Object.assign(new Error('reset while connecting'), { code: 'ECONNRESET' })
  return refusalOf(protocol, [address], rules)
}
