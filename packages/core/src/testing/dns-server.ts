import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import ipaddr from 'ipaddr.js'
import { onTestFinished } from 'vitest'

/** What the server says of a name: its addresses, that there is no such name, that it failed, or nothing at all. */
export type DnsAnswer = readonly string[] | 'no such name' | 'failure' | 'silence'

const TYPES: Record<number, 'ipv4' | 'ipv6'> = { 1: 'ipv4', 28: 'ipv6' }
const CODES: Record<string, number> = { failure: 2, 'no such name': 3 }

/**
 * A DNS server on loopback (RFC 1035, questions for A and AAAA only, TTL 0), closed when the test is over.
 *
 * @param answer is asked for every question of an address of IPv4, and what it says holds for the other as well; `times`
 *   counts from 1 for each name
 * @returns its `ADDRESS:PORT`, and how often each name was asked for
 */
export async function startDnsServer(
  answer: (name: string, times: number) => DnsAnswer,
): Promise<{ server: string; asked: Map<string, number> }> {
  const socket = createSocket('udp4')
  const asked = new Map<string, number>()
  const answers = new Map<string, DnsAnswer>()
  socket.on('message', (message, { port, address }) => {
    const { name, type, end } = questionOf(message)
    if (TYPES[type] === 'ipv4' || !answers.has(name)) {
      const times = (asked.get(name) ?? 0) + 1
      asked.set(name, times)
      answers.set(name, answer(name, times))
    }
    const said = answers.get(name)!
    if (said !== 'silence') socket.send(replyTo(message.subarray(0, end), type, said), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  onTestFinished(() => new Promise((resolve) => socket.close(resolve)))
  return { server: `127.0.0.1:${socket.address().port}`, asked }
}

function questionOf(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = message[at]!; length > 0; length = message[at]!) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 }
}

function replyTo(question: Buffer, type: number, said: Exclude<DnsAnswer, 'silence'>): Buffer {
  const addresses = typeof said === 'string' ? [] : said.map((text) => ipaddr.parse(text))
  const records = addresses
    .filter((address) => address.kind() === TYPES[type])
    .map((address) => {
      const bytes = address.toByteArray()
      // A pointer to the question's name; type; class IN; TTL 0; length.
      return Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length, ...bytes])
    })
  const head = Buffer.from(question)
  head.writeUInt16BE(0x8180 | (typeof said === 'string' ? CODES[said]! : 0), 2)
  head.writeUInt16BE(records.length, 6)
  head.writeUInt32BE(0, 8)
  return Buffer.concat([head, ...records])
}
