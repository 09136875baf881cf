import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A receiver that takes every message and says nothing; on `/once` it ends the connection after each. */
const server = createServer((request, response) => {
  request.resume()
  response.writeHead(204, request.url === '/once' ? { connection: 'close' } : {}).end()
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send?.({ kind: 'listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
process.once('SIGTERM', () => process.exit(0))
