import type { Random } from '@accepted/core/testing'
import { CRAFTED, requestOf } from './requests.ts'

/** What a client does that means no good, or knows no better. */
export interface Attack {
  /** Sent in these parts, one write each. */
  parts: Buffer[]
  /** Between the parts, ms. */
  pauseMs: number
  /** What it does once all is sent. */
  ending: 'reads' | 'half-closes' | 'resets' | 'never reads'
}

const BITS = 8
const LONGEST_BYTES = 200_000
/** Parts of one byte are for short ones: each is a write. */
const SPLIT_TO_BYTES = 400
const MARKS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  '\r\n\r\n',
  '0\r\n\r\n',
  '\r\n ',
  '%00',
  '%2f',
  '../',
  '%c0%af',
  '\xff\xfe',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding:\tchunked\r\n',
  'Transfer-Encoding: identity, chunked\r\n',
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\nContent-Length: 6\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Connection: close\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Expect: 100-continue\r\n',
  'Host: other\r\n',
  'Content-Encoding: gzip\r\n',
  'ffffffffffffffff\r\n',
]
const NUMBERS = [
  '0',
  '-1',
  '1e9',
  '65536',
  '2147483648',
  '9007199254740993',
  '18446744073709551616',
  '0x10',
  '+1',
  '',
]

type Mutation = (bytes: Buffer, random: Random) => Buffer

const MUTATIONS: Mutation[] = [
  function flipBits(bytes, random) {
    const flipped = Buffer.from(bytes)
    for (let times = pick(random, 8); times >= 0; times -= 1) {
      const at = pick(random, flipped.length)
      flipped[at] = flipped[at]! ^ (1 << pick(random, BITS))
    }
    return flipped
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, pick(random, bytes.length))
  },
  function cutOut(bytes, random) {
    const [from, to] = span(bytes, random)
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  },
  function repeatPart(bytes, random) {
    const [from, to] = span(bytes, random)
    const part = bytes.subarray(from, to)
    const times = Math.min(1 + pick(random, 300), Math.ceil(50_000 / Math.max(1, part.length)))
    return Buffer.concat([bytes.subarray(0, from), ...Array(times).fill(part), bytes.subarray(from)])
  },
  function insertMark(bytes, random) {
    const at = lineStart(bytes, random)
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.from(oneOf(MARKS, random), 'latin1'),
      bytes.subarray(at),
    ])
  },
  function insertNoise(bytes, random) {
    const at = pick(random, bytes.length)
    return Buffer.concat([bytes.subarray(0, at), noise(pick(random, 40), random), bytes.subarray(at)])
  },
  function anotherNumber(bytes, random) {
    const text = bytes.toString('latin1')
    const numbers = [...text.matchAll(/\d+/g)]
    if (numbers.length === 0) return bytes
    const { index, 0: number } = oneOf(numbers, random)
    const other = oneOf(NUMBERS, random)
    return Buffer.from(text.slice(0, index) + other + text.slice(index + number.length), 'latin1')
  },
  function lengthen(bytes, random) {
    const at = pick(random, bytes.length)
    return Buffer.concat([
      bytes.subarray(0, at),
      Buffer.alloc(pick(random, 40_000), bytes[at]),
      bytes.subarray(at),
    ])
  },
  function pipeline(bytes, random) {
    const times = 1 + pick(random, random() < 0.1 ? 500 : 5)
    return Buffer.concat(Array(times).fill(bytes))
  },
  function append(bytes, random) {
    return Buffer.concat([bytes, requestOf(random)])
  },
]

/** An attack, the same for the same chance. @param key of a tenant, which some of the requests carry; none where nobody is asked */
export function attackOf(random: Random, key?: string): Attack {
  const bytes = bytesOf(random, key).subarray(0, LONGEST_BYTES)
  const parts = partsOf(bytes, random)
  const pauseMs = parts.length > 1 && parts.length < 20 && random() < 0.3 ? pick(random, 200) : 0
  const chance = random()
  const ending =
    chance < 0.7 ? 'reads' : chance < 0.85 ? 'half-closes' : chance < 0.95 ? 'resets' : 'never reads'
  return { parts, pauseMs, ending }
}

function bytesOf(random: Random, key?: string): Buffer {
  const chance = random()
  if (chance < 0.05) return noise(1 + pick(random, 2_000), random)
  if (chance < 0.15) return Buffer.from(oneOf(CRAFTED, random), 'latin1')
  let bytes = requestOf(random, key)
  for (let times = pick(random, 4); times > 0 && bytes.length > 0; times -= 1) {
    bytes = oneOf(MUTATIONS, random)(bytes, random)
  }
  return bytes
}

function partsOf(bytes: Buffer, random: Random): Buffer[] {
  const chance = random()
  if (chance < 0.5 || bytes.length < 2) return [bytes]
  if (chance < 0.65 && bytes.length <= SPLIT_TO_BYTES) return [...bytes].map((byte) => Buffer.from([byte]))
  const cuts = Array.from({ length: 1 + pick(random, 6) }, () => pick(random, bytes.length)).sort(
    (a, b) => a - b,
  )
  return [0, ...cuts]
    .map((from, at) => bytes.subarray(from, cuts[at] ?? bytes.length))
    .filter(({ length }) => length > 0)
}

function span(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = pick(random, bytes.length)
  return [from, Math.min(bytes.length, from + 1 + pick(random, 60))]
}

/** Where a line begins, or, now and then, anywhere. */
function lineStart(bytes: Buffer, random: Random): number {
  const at = pick(random, bytes.length)
  return random() < 0.3 ? at : bytes.lastIndexOf('\n', at) + 1
}

function noise(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => pick(random, 256)))
}

function pick(random: Random, below: number): number {
  return Math.floor(random() * below)
}

function oneOf<T>(things: readonly T[], random: Random): T {
  return things[pick(random, things.length)]!
}
