import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

// Keeps the contract between `npm start` and the API, and nothing else of an API.
if (process.env.FAKE_API === 'faulty') {
  process.stderr.write('PORT must be a number\n')
  process.exit(78)
}

const readyAt = performance.now() + Number(process.env.FAKE_API_READY_AFTER_MS ?? 0)
const server = createServer((_request, response) => {
  if (performance.now() >= readyAt) return response.end()
  return response.writeHead(503).end('{"detail":"Missing: Redis does not answer."}')
})
const stop = () => {
  server.close()
  if (process.connected) process.disconnect()
}
process.once('SIGTERM', stop)
process.once('disconnect', stop)
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(
    `${JSON.stringify({ level: 30, time: Date.now(), msg: `listening as ${process.pid}` })}\n`,
  )
  process.send?.({ kind: 'listening', url: `http://127.0.0.1:${port}` })
})
