import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startRedisProxy } from './redis-proxy.ts'

/** A proxy before a server that says back what it is told, and notes it. */
async function echoBehindProxy() {
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
  const line = await startRedisProxy(`redis://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(async () => {
    await line.close()
    server.close()
  })
  const join = async (): Promise<Socket> => {
    const socket = connect(Number(new URL(line.url).port), '127.0.0.1')
    // It is reset at the latest when the line closes.
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    return socket
  }
  return { line, join, heard: () => heard }
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

test('a line that is shut resets and refuses, and lets through again once it is open', async () => {
  const { line, join } = await echoBehindProxy()
  const socket = await join()
  expect(await say(socket, 'PING')).toBe('PING')
  const ended = reset(socket)
  await line.set('shut')
  expect(await ended).toBe('ECONNRESET')
  await expect(join()).rejects.toThrow('ECONNREFUSED')
  await line.set('open')
  expect(await say(await join(), 'PING')).toBe('PING')
})

test('a black hole lets nothing through, and what was said meanwhile comes late', async () => {
  const { line, join, heard } = await echoBehindProxy()
  const before = await join()
  expect(await say(before, 'one')).toBe('one')
  await line.set('black hole')
  const later = await join()
  const replies = Promise.all([say(before, ' two'), say(later, ' three')])
  // By then it would be there.
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(heard()).toBe('one')
  await line.set('open')
  expect(await replies).toEqual([' two', ' three'])
})

test('a mute line passes on what is said, and no answer', async () => {
  const { line, join, heard } = await echoBehindProxy()
  const socket = await join()
  await line.set('mute')
  socket.write('one')
  await expect.poll(heard).toBe('one')
  await line.set('open')
  expect(await say(socket, ' two')).toBe(' two')
})

test('half a request is all that arrives before a reset, or the whole and no reply', async () => {
  const { line, join, heard } = await echoBehindProxy()
  await line.set('half a request')
  const first = await join()
  const firstEnded = reset(first)
  first.write('half')
  expect(await firstEnded).toBe('ECONNRESET')
  await expect.poll(heard).toBe('ha')
  await line.set('no reply')
  const second = await join()
  const secondEnded = reset(second)
  second.write('whole')
  expect(await secondEnded).toBe('ECONNRESET')
  expect(heard()).toBe('hawhole')
})
