import { messageText, send } from './hand-written.ts'

/** Signs and POSTs COUNT messages to URLS, CONCURRENCY at a time, and keeps nothing of it; starts when it is told to. */
const urls = (process.env.URLS as string).split(' ')
let left = Number(process.env.COUNT)

async function loop(): Promise<void> {
  while (left > 0) {
    left -= 1
    await send(urls[left % urls.length]!, String(left), messageText())
  }
}

process.send?.({ kind: 'ready' })
process.once('message', () =>
  Promise.all(Array.from({ length: Number(process.env.CONCURRENCY) }, () => loop())),
)
process.once('SIGTERM', () => process.exit(0))
