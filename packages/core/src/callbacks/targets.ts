import { isIP } from 'node:net'
import { type AddressRange, judgeAddress, parseAddressRanges } from './addresses.ts'
import type { NameResolver, Resolution } from './name-resolver.ts'

const LOOPBACK = ['127.0.0.1', '::1']

const NOT_HTTPS = forbidden('must be an https URL')

/** Where callbacks may go, beyond what is public. */
export interface TargetRules {
  /** Addresses that are not public, and yet permitted. */
  opened: readonly AddressRange[]
  /** Whether plain http is permitted to opened addresses only. */
  requireHttps: boolean
}

/** What the rules are read from; the names are those of the settings. */
export interface TargetSettings {
  CALLBACK_ALLOW_CIDRS: string
  CALLBACK_REQUIRE_HTTPS: boolean
}

/** The rules that the settings set, or their faults, in words for whoever starts the process. */
export function readTargetRules({
  CALLBACK_ALLOW_CIDRS,
  CALLBACK_REQUIRE_HTTPS,
}: TargetSettings): { outcome: 'rules'; rules: TargetRules } | { outcome: 'faulty'; faults: string[] } {
  const read = parseAddressRanges(CALLBACK_ALLOW_CIDRS)
  if (read.outcome === 'faulty') {
    return { outcome: 'faulty', faults: read.faults.map((fault) => `CALLBACK_ALLOW_CIDRS: ${fault}`) }
  }
  return { outcome: 'rules', rules: { opened: read.ranges, requireHttps: CALLBACK_REQUIRE_HTTPS } }
}

/** Whether a callback may go to a target; `detail` in words that go on from "it". */
export type TargetVerdict = { verdict: 'permitted' } | { verdict: 'forbidden'; detail: string }

/**
 * Judges a target by all the addresses that it has: one that is bad forbids it, since a connection may go to any.
 *
 * @param addresses at least one
 */
export function judgeAddresses(
  protocol: string,
  addresses: readonly string[],
  rules: TargetRules,
): TargetVerdict {
  for (const address of addresses) {
    const judged = judgeAddress(address, rules.opened)
    if (judged.verdict === 'forbidden') return forbidden(`leads to ${judged.kind}`)
    if (judged.verdict === 'public' && protocol === 'http:' && rules.requireHttps) return NOT_HTTPS
  }
  return { verdict: 'permitted' }
}

/**
 * The addresses of a URL's host. `localhost` and what ends with it are loopback without look-up (RFC 6761); of the two
 * loopback addresses, those that the rules open, if there is one.
 *
 * @param hostname as a URL in canonical form has it
 * @param withinMs bounds a look-up
 */
export async function resolveHost(
  hostname: string,
  rules: TargetRules,
  names: NameResolver,
  withinMs: number,
): Promise<Resolution> {
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  if (isIP(host)) return { outcome: 'addresses', addresses: [host] }
  if (/(^|\.)localhost$/i.test(host)) {
    const opened = LOOPBACK.filter((address) => judgeAddress(address, rules.opened).verdict === 'opened')
    return { outcome: 'addresses', addresses: opened.length > 0 ? opened : LOOPBACK }
  }
  return names.resolve(host, withinMs)
}

/**
 * Judges a target at its submission. One whose name does not resolve, or not in time, is permitted for now: every
 * connection is judged again when it is made.
 *
 * @param url from `parseCallbackUrl`
 */
export async function judgeTarget(
  { protocol, hostname }: URL,
  rules: TargetRules,
  names: NameResolver,
  withinMs: number,
): Promise<TargetVerdict> {
  if (protocol === 'http:' && rules.requireHttps && rules.opened.length === 0) return NOT_HTTPS
  const resolution = await resolveHost(hostname, rules, names, withinMs)
  if (resolution.outcome !== 'addresses') return { verdict: 'permitted' }
  return judgeAddresses(protocol, resolution.addresses, rules)
}

function forbidden(detail: string): { verdict: 'forbidden'; detail: string } {
  return { verdict: 'forbidden', detail }
}
