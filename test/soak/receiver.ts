import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'

/**
 * Receivers that are as receivers are, on ORIGINS ports: most messages are taken, some refused (500), cut off (reset), answered
 * late, or taken with the answer lost; the last origin is away for 2 of every 10 s. Each message is verified by SECRET. Tells their
 * URLs; asked over IPC, what came.
 */
export interface Receipt {
  /** `webhook-id`. */
  id: string
  taskId: string
  event: string
  /** How often it came as a whole. */
  arrived: number
  /** How often it was taken: verified, and not refused. */
  taken: number
  /** From what it tells of until it was taken first, ms; 0: it was not. */
  lateMs: number
}

/** What came, and what came without a valid signature. */
export interface Receipts {
  receipts: Receipt[]
  forged: number
}

interface Message {
  type: string
  timestamp: string
  data: { task_id: string }
}

const { SECRET, ORIGINS, TIMEOUT_MS } = process.env as Record<string, string>
const AWAY = { everyMs: 10_000, forMs: 2_000 }
const webhook = new Webhook(SECRET!)
const receipts = new Map<string, Receipt>()
let forged = 0

/** Takes as long to answer as such things do. */
const WELL: Manner = { takes: true, answer: (response) => acceptAfter(response, 100) }
const GONE: Manner = { takes: false, answer: reset }
/** How messages fare otherwise, by the share of all. */
const MANNERS: [share: number, manner: Manner][] = [
  [0.04, { takes: false, answer: (response) => void response.writeHead(500).end() }],
  [0.03, { takes: false, answer: reset }],
  [0.01, { takes: true, answer: reset }],
  // A half of these comes too late.
  [0.02, { takes: true, answer: (response) => acceptAfter(response, 2 * Number(TIMEOUT_MS)) }],
]

interface Manner {
  takes: boolean
  answer: (response: ServerResponse) => void
}

async function acceptAfter(response: ServerResponse, mostMs: number): Promise<void> {
  await pause(Math.random() * mostMs)
  response.writeHead(204).end()
}

function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy()
}

function manner(): Manner {
  let dice = Math.random()
  for (const [share, chosen] of MANNERS) {
    if (dice < share) return chosen
    dice -= share
  }
  return WELL
}

async function listen(isFickle: boolean): Promise<string> {
  const server = createServer(async (request, response) => {
    // What is cut off, its worker dead, has not come.
    const body = await text(request).catch(() => undefined)
    if (body === undefined) return
    const { takes, answer } = isFickle && Date.now() % AWAY.everyMs < AWAY.forMs ? GONE : manner()
    note(request.headers as Record<string, string>, body, takes)
    answer(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
}

function note(headers: Record<string, string>, body: string, taken: boolean): void {
  try {
    const { type, timestamp, data } = webhook.verify(body, headers) as Message
    const id = headers['webhook-id']!
    const event = type.replace('task.', '')
    const receipt = receipts.get(id) ?? { id, taskId: data.task_id, event, arrived: 0, taken: 0, lateMs: 0 }
    receipts.set(id, receipt)
    receipt.arrived += 1
    if (!taken) return
    receipt.taken += 1
    if (receipt.taken === 1) receipt.lateMs = Date.now() - Date.parse(timestamp)
  } catch {
    forged += 1
  }
}

const count = Number(ORIGINS)
const urls = await Promise.all(Array.from({ length: count }, (_, n) => listen(n === count - 1)))
process.on('message', () => process.send?.({ receipts: [...receipts.values()], forged } satisfies Receipts))
process.once('disconnect', () => process.exit(0))
process.send?.({ urls })
