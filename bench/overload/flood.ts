import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Per second. */
export interface Flooded {
  sent: number
  /** Answered 202 within the patience of a client. */
  accepted: number
  /** Answered 202 later than that. */
  late: number
  /** Answered 503. */
  refused: number
}

/**
 * What a process is asked for over IPC: to flood an API with starts over raw connections, at a rate that does not heed the
 * answers. A start that is due while all connections wait for theirs is not sent. It says `{}` once it counts, in the end what it
 * counted; it ends if an answer is none of those that it counts, or a connection is closed.
 */
export interface Flood {
  url: string
  perSecond: number
  /** Not counted: the API finds its way. */
  settleSeconds: number
  seconds: number
  connections: number
  /** Paths of tasks that have not ended: every other request reads one of them. None: all are starts. */
  reads: string[]
}

/** Who waits longer has given up. */
const PATIENCE_MS = 1_000
const STEP_MS = 2

const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })

function requestsOf({ url, reads }: Flood): Buffer[] {
  const { host } = new URL(url)
  const start = `POST /cars HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${CAR.length}\r\n\r\n${CAR}`
  const mixed = reads.flatMap((path) => [start, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`])
  return (mixed.length > 0 ? mixed : [start]).map((request) => Buffer.from(request))
}

async function flood(asked: Flood): Promise<Flooded> {
  const { url, perSecond, settleSeconds, seconds, connections } = asked
  const { hostname, port } = new URL(url)
  const requests = requestsOf(asked)
  const counts = { sent: 0, accepted: 0, late: 0, refused: 0 }
  const idle: Socket[] = []
  let requested = 0
  let isOver = false
  const open = async () => {
    const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1')
    await once(socket, 'connect')
    let text = ''
    let sentMs = 0
    socket.on('data', (chunk: string) => {
      text += chunk
      const bodyAt = text.indexOf('\r\n\r\n') + 4
      if (bodyAt === 3 || text.length < bodyAt + Number(/content-length: (\d+)/i.exec(text)![1])) return
      const isLate = performance.now() - sentMs > PATIENCE_MS
      if (text.startsWith('HTTP/1.1 503')) counts.refused += 1
      else if (text.startsWith('HTTP/1.1 202')) counts[isLate ? 'late' : 'accepted'] += 1
      else throw new Error(text)
      text = ''
      idle.push(socket)
    })
    socket.on('error', (error) => {
      if (!isOver) throw new Error(`a connection of the flood broke off: ${error.message}`)
    })
    socket.on('close', () => {
      if (!isOver) throw new Error('a connection of the flood was closed')
    })
    idle.push(socket)
    return {
      socket,
      send() {
        sentMs = performance.now()
        socket.write(requests[requested % requests.length]!)
        requested += 1
      },
    }
  }
  const senders = new Map<Socket, () => void>()
  for (let n = 0; n < connections; n += 50) {
    const opened = await Promise.all(Array.from({ length: Math.min(50, connections - n) }, open))
    for (const { socket, send } of opened) senders.set(socket, send)
  }
  const pour = async (forSeconds: number) => {
    const began = performance.now()
    const passedSeconds = () => (performance.now() - began) / 1000
    for (let due = 0; passedSeconds() < forSeconds; await pause(STEP_MS)) {
      for (const now = Math.floor(passedSeconds() * perSecond); due < now; due += 1) {
        const socket = idle.pop()
        if (!socket) continue
        counts.sent += 1
        senders.get(socket)!()
      }
    }
    return passedSeconds()
  }
  await pour(settleSeconds)
  Object.assign(counts, { sent: 0, accepted: 0, late: 0, refused: 0 })
  process.send?.({})
  const tookSeconds = await pour(seconds)
  const flooded = { ...counts }
  isOver = true
  for (const socket of senders.keys()) socket.destroy()
  return Object.fromEntries(
    Object.entries(flooded).map(([name, count]) => [name, count / tookSeconds]),
  ) as unknown as Flooded
}

process.on('message', async (asked) => process.send?.(await flood(asked as Flood)))
process.on('SIGTERM', () => process.exit())
process.send?.({})
