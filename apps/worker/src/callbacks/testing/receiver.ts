import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { onTestFinished } from 'vitest'

/** A receiver under the test's full control, gone when the test is over. */
export interface Receiver {
  port: number
  /** Connections that were ever made. */
  readonly accepted: number
  /** Connections that are open now. */
  readonly open: number
  /** Bytes that came, over all connections that are closed, TLS handshakes included. */
  readonly bytesRead: number
  /** The requests that came, as they came. */
  requests: string[]
}

export interface ReceiverOptions {
  host?: string
  /** Makes it an https receiver. */
  tls?: TlsOptions
  /** What it says as soon as somebody connects. */
  greeting?: string
}

/**
 * Starts a receiver on loopback that speaks no HTTP of its own.
 *
 * @param answer is called with each request that has come as a whole
 */
export async function startReceiver(
  answer: (socket: Socket, request: string) => void,
  { host = '127.0.0.1', tls, greeting = '' }: ReceiverOptions = {},
): Promise<Receiver> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  let accepted = 0
  let bytesRead = 0
  const serve = (socket: Socket) => {
    // Whatever becomes of a connection is for the test to judge by what the sender tells.
    socket.on('error', () => undefined)
    socket.write(greeting)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      for (let length = requestLength(text); length > 0; length = requestLength(text)) {
        const request = text.slice(0, length)
        text = text.slice(length)
        requests.push(request)
        answer(socket, request)
      }
    })
  }
  const server = tls ? createTlsServer(tls, serve) : createServer(serve)
  server.on('connection', (socket: Socket) => {
    accepted += 1
    sockets.add(socket)
    socket.once('close', () => {
      sockets.delete(socket)
      bytesRead += socket.bytesRead
    })
  })
  server.listen(0, host)
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted
    },
    get open() {
      return sockets.size
    },
    get bytesRead() {
      return bytesRead
    },
    requests,
  }
}

/** How long the first request in a text is; 0 if it is not there as a whole. */
function requestLength(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const length = head + 4 + Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0)
  return text.length < length ? 0 : length
}

/** An answer as it should be. */
export function respond(status: string, fields = '', body = ''): (socket: Socket) => void {
  return (socket) => {
    socket.write(`HTTP/1.1 ${status}\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`)
  }
}
