import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/** A range of addresses, as CIDR has it. Addresses of IPv4 inside IPv6 (`::ffff:…`) belong to ranges of IPv4. */
export type AddressRange = readonly [ipaddr.IPv4 | ipaddr.IPv6, number]

/** What a callback may do with an address. */
export type AddressVerdict =
  /** Anybody on the internet may be there. */
  | { verdict: 'public' }
  /** It is not public, but the settings open it. */
  | { verdict: 'opened' }
  /** `kind` in words that go on from "leads to", and do not tell the address itself. */
  | { verdict: 'forbidden'; kind: string }

/**
 * What no setting opens: cloud metadata, which hands out credentials to whoever asks from the inside. Link-local addresses
 * are among it as a whole, because more of these services live there than any list would name (169.254.169.254 of most
 * clouds, .170.2 and .170.23 of containers, .42.42, .0.23), and no receiver does.
 */
const CLOSED = [
  '169.254.0.0/16',
  'fe80::/10',
  // Alibaba, Azure, Oracle; then AWS and Google.
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  'fd00:ec2::/32',
  'fd20:ce::254/128',
].map((text) => ipaddr.parseCIDR(text))

/** What ends at an IPv4 address that cannot be told from the outside: Teredo, and NAT64 with a prefix of local use. */
const OPAQUE = ['2001::/32', '64:ff9b:1::/48'].map((text) => ipaddr.parseCIDR(text))

/** All that is public today (IANA): the rest of IPv6 is reserved, even where no list says what for. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3')

/** What ends at the IPv4 address within: compatible addresses, NAT64, 6to4. */
const CARRIERS: readonly { range: AddressRange; from: number }[] = [
  { range: ipaddr.parseCIDR('::/96'), from: 12 },
  { range: ipaddr.parseCIDR('64:ff9b::/96'), from: 12 },
  { range: ipaddr.parseCIDR('2002::/16'), from: 2 },
]

const KINDS: Record<string, string> = {
  loopback: 'a loopback address',
  private: 'a private address',
  uniqueLocal: 'a private address',
  carrierGradeNat: 'a shared address (carrier-grade NAT)',
  multicast: 'a multicast address',
}
const RESERVED = 'a reserved address'
const METADATA = 'a link-local or metadata address'
const CARRIED = 'an IPv6 address that stands for an IPv4 address'

/**
 * Judges an address by what it really leads to: an IPv4 address inside an IPv6 one (`::ffff:127.0.0.1`) is that IPv4 address.
 *
 * @param address canonical, as sockets and DNS have it; anything else is forbidden
 * @param opened beyond public ones. A range that carries IPv4 inside IPv6 is open no further than the address within,
 *   so that NAT64 (`64:ff9b::/96`) can be opened without opening private networks.
 */
export function judgeAddress(address: string, opened: readonly AddressRange[]): AddressVerdict {
  const family = isIP(address)
  if (family === 0) return { verdict: 'forbidden', kind: 'something that is no address' }
  return judge(ipaddr.process(family === 6 ? withoutDots(address) : address), opened)
}

/** `::127.0.0.1` as `::7f00:1`: ipaddr.js would take the former for `::ffff:127.0.0.1`, which is another address. */
function withoutDots(address: string): string {
  const [host] = address.split('%')
  return new URL(`http://[${host}]`).hostname.slice(1, -1)
}

function judge(address: ipaddr.IPv4 | ipaddr.IPv6, opened: readonly AddressRange[]): AddressVerdict {
  if (within(address, CLOSED)) return { verdict: 'forbidden', kind: METADATA }
  if (within(address, OPAQUE)) return { verdict: 'forbidden', kind: CARRIED }
  const isOpened = within(address, opened)
  const carried = carriedIpv4(address)
  if (carried) return isOpened ? judge(carried, opened) : { verdict: 'forbidden', kind: CARRIED }
  if (isOpened) return { verdict: 'opened' }
  const range = address.range()
  if (range !== 'unicast') return { verdict: 'forbidden', kind: KINDS[range] ?? RESERVED }
  if (address.kind() === 'ipv6' && !matches(address, GLOBAL_IPV6)) {
    return { verdict: 'forbidden', kind: RESERVED }
  }
  return { verdict: 'public' }
}

function carriedIpv4(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | undefined {
  // `::` and `::1` are addresses of their own.
  if (address.range() === 'loopback' || address.range() === 'unspecified') return undefined
  const carrier = CARRIERS.find(({ range }) => matches(address, range))
  return carrier && new ipaddr.IPv4(address.toByteArray().slice(carrier.from, carrier.from + 4))
}

function within(address: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly AddressRange[]): boolean {
  return ranges.some((range) => matches(address, range))
}

function matches(address: ipaddr.IPv4 | ipaddr.IPv6, [base, bits]: AddressRange): boolean {
  return address.kind() === base.kind() && address.match([base, bits])
}

/** Ranges, or what is wrong with them, one fault each. */
export type AddressRanges =
  | { outcome: 'ranges'; ranges: AddressRange[] }
  | { outcome: 'faulty'; faults: string[] }

/**
 * Reads comma-separated ranges, `127.0.0.0/8, ::1/128`; a bare address is a range of one. Empty text is none.
 *
 * A range in which there is nothing but what no setting opens is a fault: whoever wrote it expects what will not happen. A
 * larger one (`0.0.0.0/0`, `100.64.0.0/10`) is taken, and those addresses stay closed in it.
 */
export function parseAddressRanges(text: string): AddressRanges {
  return parseRanges(text, (range) => openable(parseRange(range), range))
}

/** The same, where it is not about what is opened: any range is taken. */
export function parseAnyRanges(text: string): AddressRanges {
  return parseRanges(text, parseRange)
}

function parseRanges(text: string, parse: (range: string) => AddressRange | string): AddressRanges {
  if (text.trim() === '') return { outcome: 'ranges', ranges: [] }
  const read = text.split(',').map((item) => parse(item.trim()))
  const faults = read.filter((range) => typeof range === 'string')
  if (faults.length > 0) return { outcome: 'faulty', faults }
  return { outcome: 'ranges', ranges: read.filter((range) => typeof range !== 'string') }
}

/** Whether a text is an address in one of these ranges. */
export function isWithin(text: string, ranges: readonly AddressRange[]): boolean {
  const [bare = ''] = text.split('%')
  if (isIP(bare) === 0) return false
  const address = ipaddr.process(bare)
  return ranges.some((range) => matches(address, range))
}

/** The range, or its fault. */
function parseRange(text: string): AddressRange | string {
  if (text === '') return 'there is an empty entry between commas'
  const [address = '', length, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) {
    return `${text} is not a range of addresses such as 10.0.0.0/8 or fd00::/8`
  }
  const most = family === 4 ? 32 : 128
  const bits = Number(length ?? most)
  if ((length !== undefined && !/^\d{1,3}$/.test(length)) || bits > most) {
    return `${text} must have a prefix length of 0 to ${most} after its slash`
  }
  const base = ipaddr.parse(address)
  if (base.range() === 'ipv4Mapped') return `${text} must be written as a range of IPv4`
  const network = (base.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(
    `${address}/${bits}`,
  )
  if (network.toString() !== base.toString()) {
    return `${text} has bits beyond its prefix length: ${network}/${bits} or ${address}/${most}?`
  }
  return [base, bits]
}

/** The range, or its fault, if it is one and nothing in it can be opened. */
function openable(range: AddressRange | string, text: string): AddressRange | string {
  if (typeof range === 'string') return range
  const [base, bits] = range
  const isClosed = CLOSED.some((closed) => bits >= closed[1] && matches(base, closed))
  return isClosed ? `${text} is ${METADATA.replace('address', 'range')}, which cannot be opened` : range
}
