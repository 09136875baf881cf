import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { judgeAddresses, type NameResolver, resolveHost, type TargetRules } from '@accepted/core'
import { buildConnector } from 'undici'
import { ForbiddenTarget } from './forbidden-target.ts'
import { UnresolvedName } from './unresolved-name.ts'

/** Each of a host's addresses but the last has so long; then the next is tried instead. */
const NEXT_ADDRESS_MS = 250

/** Of the time to connect, what a look-up may take: a name server that is slow leaves time for a receiver that is not. */
const LOOK_UP_SHARE = 0.5

const UNRESOLVED = {
  unknown: 'the host name does not exist',
  unanswered: 'the host name could not be looked up',
}

export interface ConnectionOptions {
  rules: TargetRules
  names: NameResolver
  /** From `readTlsContext`. */
  tls: SecureContext
  /** From the look-up to the end of the TLS handshake. */
  connectTimeoutMs?: number | undefined
}

/** @returns the socket that is being connected; nothing if its address is a literal that is forbidden */
export type JudgedConnector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => Socket | undefined

/**
 * Makes connections that are judged three times: a literal address before, each address that a name has when it is looked up
 * for this connection, and the address that the socket is connected to before a byte is sent. undici and Node do not ask
 * `lookup` about literals, and a name may lead elsewhere at every look-up (rebinding), so none of the three can stand for
 * another.
 */
export function judgedConnector({
  rules,
  names,
  tls,
  connectTimeoutMs = 5_000,
}: ConnectionOptions): JudgedConnector {
  const connectorOf = (protocol: string) =>
    buildConnector({
      allowH2: false,
      timeout: connectTimeoutMs,
      secureContext: tls,
      lookup: judgedLookup(protocol, rules, names, connectTimeoutMs * LOOK_UP_SHARE),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
    })
  const connectors = { 'http:': connectorOf('http:'), 'https:': connectorOf('https:') }
  return (options, callback) => {
    const { protocol, hostname } = options
    let refusal = isIP(hostname) ? refusalOf(protocol, [hostname], rules) : undefined
    if (refusal) {
      process.nextTick(callback, refusal, null)
      return undefined
    }
    const connect = connectors[protocol as keyof typeof connectors]
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
