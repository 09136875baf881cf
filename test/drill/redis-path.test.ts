import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { RedisPath } from './redis-path.ts'

/** A path to a server that says back what it is told, and notes it. */
async function echoBehindPath() {
  let heard = ''
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      heard += bytes
      socket.write(bytes)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const path = new RedisPath((server.address() as AddressInfo).port)
  const port = Number(new URL(await path.open()).port)
  onTestFinished(async () => {
    await path.close()
    server.close()
  })
  const join = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1')
    // It is reset at the latest when the path closes.
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  return { path, join, heard: () => heard }
}

async function say(socket: Socket, words: string): Promise<string> {
  const reply = once(socket, 'data')
  socket.write(words)
  return String((await reply)[0])
}

async function reset(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  return error.code
}

test('what is refused is reset, and comes through again once it is open', async () => {
  const { path, join } = await echoBehindPath()
  const socket = await join()
  expect(await say(socket, 'PING')).toBe('PING')
  const ended = reset(socket)
  await path.refuse()
  expect(await ended).toBe('ECONNRESET')
  await expect(join()).rejects.toThrow('ECONNREFUSED')
  await path.open()
  expect(await say(await join(), 'PING')).toBe('PING')
})

test('what is silent lets nothing through, and late what was sent meanwhile', async () => {
  const { path, join, heard } = await echoBehindPath()
  const before = await join()
  expect(await say(before, 'one')).toBe('one')
  path.silent = true
  const later = await join()
  const replies = Promise.all([say(before, ' two'), say(later, ' three')])
  // A turn through the same loop: it would be there by now.
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(heard()).toBe('one')
  path.silent = false
  expect(await replies).toEqual([' two', ' three'])
})

test('a reset at the request lets half of it through, one at the reply all of it', async () => {
  const { path, join, heard } = await echoBehindPath()
  path.resetAt = 'request'
  const first = await join()
  const firstEnded = reset(first)
  first.write('half')
  expect(await firstEnded).toBe('ECONNRESET')
  await expect.poll(heard).toBe('ha')
  path.resetAt = 'reply'
  const second = await join()
  const secondEnded = reset(second)
  second.write('whole')
  expect(await secondEnded).toBe('ECONNRESET')
  expect(heard()).toBe('hawhole')
})
