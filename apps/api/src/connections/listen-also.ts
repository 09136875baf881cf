import { once } from 'node:events'
import type { Server } from 'node:http'
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net'

/**
 * Hands a listening server the connections that come to the same port of further addresses: a server listens on one, and
 * `localhost` may be two. An address that is not to be had, such as `::1` on a machine without IPv6, is left out.
 *
 * @returns what listens there, to be closed before the server
 */
export async function listenAlso(server: Server, addresses: readonly string[]): Promise<NetServer[]> {
  const { address: own, port } = server.address() as AddressInfo
  const others = addresses.filter((address) => address !== own)
  const listening = await Promise.all(
    others.map(async (address) => {
      const other = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true })
      other.on('connection', (socket) => server.emit('connection', socket))
      other.listen(port, address)
      return once(other, 'listening').then(
        () => other,
        () => undefined,
      )
    }),
  )
  return listening.filter((other) => other !== undefined)
}
