import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Attack } from './attacks.ts'

/** What came of an attack. */
export interface Played {
  received: Buffer
  /** Whether the server ended the connection in order, and all that it said was read. */
  wasEnded: boolean
  /** Whether it did neither answer nor end in all the time it had. */
  wasLeft: boolean
}

/** Attackers have an address of their own, so that what one address may take is not taken from others. */
const ATTACKERS = '127.0.0.2'
/** Who reads goes once it was quiet for so long after an answer, ms. */
const QUIET_MS = 150
/** Who never reads stays so long, ms. */
const STUCK_MS = 1_000

/** Plays an attack. @param withinMs in which a server that says nothing has to end the connection */
export async function play(
  { parts, pauseMs, ending }: Attack,
  port: number,
  withinMs: number,
): Promise<Played> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: ATTACKERS, allowHalfOpen: true })
  const received: Buffer[] = []
  let [wasEnded, heardMs] = [false, 0]
  const startedMs = performance.now()
  const over = new Promise<void>((resolve) => {
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
    socket.on('end', () => {
      wasEnded = true
      resolve()
    })
  })
  if (ending === 'never reads') socket.pause()
  else
    socket.on('data', (part) => {
      received.push(part)
      heardMs = performance.now()
    })
  for (const part of parts) {
    if (!socket.writable) break
    socket.write(part)
    if (pauseMs > 0) await pause(pauseMs)
  }
  if (ending === 'half-closes') socket.end()
  if (ending === 'resets') {
    await pause(QUIET_MS / 10)
    socket.resetAndDestroy()
  }
  if (ending === 'never reads') await pause(STUCK_MS)
  else {
    const isDone = () => heardMs > 0 && performance.now() - Math.max(heardMs, startedMs) > QUIET_MS
    const waiting = (async () => {
      while (!isDone() && performance.now() - startedMs < withinMs) await pause(QUIET_MS / 5)
    })()
    await Promise.race([over, waiting])
  }
  const wasLeft = ending === 'reads' && !wasEnded && heardMs === 0 && !socket.destroyed
  socket.destroy()
  return { received: Buffer.concat(received), wasEnded, wasLeft }
}
