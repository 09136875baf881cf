import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/**
 * A DNS server on loopback (RFC 1035): every name leads to 127.0.0.1, but of those that begin with `hanging` it never says
 * anything. Tells its ADDRESS:PORT.
 */
const TYPE_A = 1
const HEADER_BYTES = 12
const ANSWER_FLAGS = 0x8180
/** A pointer to the question's name; type A; class IN; TTL 0; length; address. */
const RECORD = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1])

const socket = createSocket('udp4')
socket.on('message', (message, { port, address }) => {
  if (message.toString('latin1', HEADER_BYTES + 1).startsWith('hanging')) return
  const nameEnd = message.indexOf(0, HEADER_BYTES)
  const question = Buffer.from(message.subarray(0, nameEnd + 5))
  const records = message.readUInt16BE(nameEnd + 1) === TYPE_A ? [RECORD] : []
  question.writeUInt16BE(ANSWER_FLAGS, 2)
  question.writeUInt16BE(records.length, 6)
  // What else the message had, such as options (EDNS), is left out.
  question.fill(0, 8, HEADER_BYTES)
  socket.send(Buffer.concat([question, ...records]), port, address)
})
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
process.send?.({ kind: 'ready', server: `127.0.0.1:${socket.address().port}` })
process.once('SIGTERM', () => process.exit(0))
