import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isRunning } from './folder-claim.mjs'
import { type LocalRedis, type LocalRedisOptions, startLocalRedis } from './start-local-redis.ts'
import { runFixture, until } from './testing/processes.ts'

let dataDir: string
let running: LocalRedis[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'local-redis-'))
})

afterEach(async () => {
  await Promise.all(running.map((redis) => redis.stop()))
  running = []
  await rm(dataDir, { recursive: true, force: true })
})

async function start(options: LocalRedisOptions = {}): Promise<LocalRedis> {
  const redis = await startLocalRedis(options)
  running.push(redis)
  return redis
}

/** One command in Redis's inline form; the raw reply. */
async function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => socket.write(`${command}\r\n`))
    socket.once('error', reject)
    socket.once('data', (reply) => {
      socket.destroy()
      resolve(reply.toString())
    })
  })
}

describe('a local Redis', () => {
  test('serves at the address it tells, durable and without eviction', async () => {
    const { port, url } = await start()
    expect(url).toBe(`redis://127.0.0.1:${port}`)
    expect(await ask(port, 'PING')).toBe('+PONG\r\n')
    for (const [name, value] of [
      ['appendonly', 'yes'],
      ['appendfsync', 'everysec'],
      ['save', ''],
      ['maxmemory-policy', 'noeviction'],
    ]) {
      expect(await ask(port, `CONFIG GET ${name}`)).toContain(`\r\n${value}\r\n`)
    }
  })

  test('keeps its data over kill -9 and a start on the same port', async () => {
    const first = await start({ dataDir })
    await ask(first.port, 'SET color Blue')
    process.kill(first.pid, 'SIGKILL')
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const second = await start({ dataDir, port: first.port })
    expect(second.url).toBe(first.url)
    expect(await ask(second.port, 'GET color')).toContain('Blue')
  })

  test('runs beside others', async () => {
    const [one, two] = await Promise.all([start(), start()])
    expect(one.port).not.toBe(two.port)
  })

  test('refuses a folder that another copy uses', async () => {
    const { pid } = await start({ dataDir })
    await expect(start({ dataDir })).rejects.toThrow(`${dataDir} is in use by another Redis (process ${pid})`)
  })

  test('refuses a port that is taken', async () => {
    const { port } = await start()
    await expect(start({ port })).rejects.toThrow(`127.0.0.1:${port}: the port is taken`)
  })

  test('tells the last words of a server that cannot read its data', async () => {
    await (await start({ dataDir })).stop()
    for (const file of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) await writeFile(join(file.parentPath, file.name), 'not what Redis wrote')
    }
    await expect(start({ dataDir })).rejects.toThrow(/ended at its start.*last words:\n.*AOF/s)
  })

  test('stops in order, also when it is frozen, and may be told twice', async () => {
    const { pid, stop, exited } = await start()
    process.kill(pid, 'SIGSTOP')
    await Promise.all([stop(), stop()])
    expect(await exited).toEqual({ code: 0, signal: null })
    expect(isRunning(pid)).toBe(false)
  })

  test('gives up a start that is no longer wanted', async () => {
    const signal = AbortSignal.timeout(1)
    await expect(start({ dataDir, signal })).rejects.toThrow()
    await start({ dataDir })
  })

  test('ends when its owner is killed with -9, and its folder can be used again at once', async () => {
    const { owner, line } = await runFixture('own-a-redis.ts', dataDir)
    const { pid } = line as { pid: number }
    owner.kill('SIGKILL')
    await start({ dataDir })
    await until('the orphan is gone', () => !isRunning(pid))
  })

  test('in a temporary folder leaves nothing, whether stopped or orphaned', async () => {
    const folderOf = async (port: number) =>
      (await ask(port, 'CONFIG GET dir')).split('\r\n').find((part) => part.startsWith('/')) as string

    const redis = await start()
    const folder = await folderOf(redis.port)
    expect(existsSync(folder)).toBe(true)
    await redis.stop()
    expect(existsSync(folder)).toBe(false)

    const { owner, line } = await runFixture('own-a-redis.ts')
    const orphanFolder = await folderOf(Number(new URL((line as { url: string }).url).port))
    owner.kill('SIGKILL')
    await until('the folder is gone', () => !existsSync(orphanFolder))
  })
})
