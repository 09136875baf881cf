import { createHmac, randomBytes } from 'node:crypto'
import { Agent, request } from 'undici'

const SECRET = randomBytes(32)
const TIMEOUT_MS = Number(process.env.TIMEOUT_SECONDS) * 1000
const agent = new Agent()

/** A message as teams write it by hand: about as long as ours. */
export function messageText(): string {
  const timestamp = new Date().toISOString()
  return JSON.stringify({ type: 'task.completed', timestamp, data: { text: 'x'.repeat(1_100) } })
}

/** Signs a message (HMAC) and POSTs it. @throws {Error} if it is not taken in time */
export async function send(url: string, id: string, body: string): Promise<void> {
  const seconds = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', SECRET).update(`${id}.${seconds}.${body}`).digest('base64')
  const answer = await request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': `v1,${signature}`,
    },
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  await answer.body.dump()
  if (answer.statusCode >= 300) throw new Error(`it answered ${answer.statusCode}`)
}
