// Keeps the contract between `npm start` and the worker, and does no work.
const behaviour = process.env.FAKE_WORKER
if (behaviour === 'crashing') throw new Error('there is a bug')

const alive = setInterval(() => {}, 60_000)
const stop = () => {
  clearInterval(alive)
  if (process.connected) process.disconnect()
}
if (behaviour === 'stubborn') {
  process.on('SIGTERM', () => {})
} else {
  process.once('SIGTERM', stop)
  process.once('disconnect', stop)
}
process.stdout.write(`${JSON.stringify({ level: 30, time: Date.now(), msg: `working as ${process.pid}` })}\n`)
process.send?.({ kind: 'ready' })
