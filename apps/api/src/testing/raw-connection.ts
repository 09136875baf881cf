import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { type RawAnswer, readAnswers } from './raw-answers.ts'

/** A connection on which bytes are sent as they are. */
export interface RawConnection {
  socket: Socket
  send(bytes: string | Buffer): void
  /** What was answered, once the server has ended the connection. @throws {Error} if the connection was reset */
  answers(): Promise<RawAnswer[]>
  /** What was answered so far. */
  soFar(): RawAnswer[]
}

/** Lets an app listen; resolves to a way of making connections to it. */
export async function rawConnections(app: FastifyInstance): Promise<() => Promise<RawConnection>> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  return () => rawConnection(port)
}

async function rawConnection(port: number): Promise<RawConnection> {
  // A client that is done has its say in when it closes.
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  onTestFinished(() => void socket.destroy())
  const parts: Buffer[] = []
  const faults: Error[] = []
  socket.on('data', (part) => parts.push(part))
  socket.on('error', (error) => faults.push(error))
  const ended = new Promise<void>((resolve) => {
    socket.once('end', resolve)
    socket.once('close', () => resolve())
  })
  await once(socket, 'connect')
  const soFar = () => readAnswers(Buffer.concat(parts))
  return {
    socket,
    send: (bytes) => void socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    soFar,
    async answers() {
      await ended
      if (faults[0]) throw faults[0]
      return soFar()
    },
  }
}
