import { isWithin, parseAnyRanges } from './callbacks/addresses.ts'

/** Whether what `X-Forwarded-For` tells by this address is believed; `hop` 0 is whoever has connected. `false`: nobody is. */
export type TrustedProxies = false | ((address: string, hop: number) => boolean)

/**
 * Reads `TRUST_PROXY`: `true`, `false`, or ranges of addresses separated by commas. With `true` whoever connects is believed, and nobody
 * whom it tells of: each proxy adds the address that it saw to the end of what it was sent, which may be made up.
 *
 * @returns what it says, or what is wrong with it, in words
 */
export function parseTrustedProxies(
  text: string,
): { outcome: 'proxies'; proxies: TrustedProxies } | { outcome: 'faulty'; faults: string[] } {
  const word = text.trim()
  if (word === '' || word === 'false') return { outcome: 'proxies', proxies: false }
  if (word === 'true') return { outcome: 'proxies', proxies: (_address, hop) => hop === 0 }
  const read = parseAnyRanges(word)
  if (read.outcome === 'faulty') return read
  return { outcome: 'proxies', proxies: (address) => isWithin(address, read.ranges) }
}
