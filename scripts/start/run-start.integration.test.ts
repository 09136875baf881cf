import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest'
import { type StackProcess, spawnStack } from './testing/stack-process.ts'

let dataDir: string
let stacks: StackProcess[] = []

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'start-'))
})

afterEach(async () => {
  for (const stack of stacks) {
    stack.process.kill('SIGKILL')
    await stack.exited
  }
  stacks = []
  await rm(dataDir, { recursive: true, force: true })
})

function start(env: NodeJS.ProcessEnv = {}): StackProcess {
  const stack = spawnStack({ DATA_DIR: dataDir, ...env })
  stacks.push(stack)
  return stack
}

async function startUntilUp(env: NodeJS.ProcessEnv = {}) {
  const stack = start(env)
  const [, api = '', redis = ''] = await stack.says(
    /^ {2}API +(\S+)$.+^ {2}Redis +(\S+).+Ctrl-C stops everything/ms,
  )
  return {
    ...stack,
    api,
    redis,
    pids: async () => ({
      api: Number((await stack.says(/listening as (\d+)/))[1]),
      worker: Number((await stack.says(/working as (\d+)/))[1]),
      redis: Number(/process_id:(\d+)/.exec(await askRedis(redis, 'INFO server'))?.[1]),
    }),
  }
}

/** One command in Redis's inline form; the beginning of the raw reply. */
async function askRedis(url: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(`${command}\r\n`))
    socket.once('error', reject)
    socket.once('data', (reply) => {
      socket.destroy()
      resolve(reply.toString())
    })
  })
}

async function allGone(pids: Record<string, number>): Promise<void> {
  const giveUpAt = performance.now() + 10_000
  for (const [name, pid] of Object.entries(pids)) {
    while (isAlive(pid)) {
      if (performance.now() > giveUpAt) throw new Error(`${name} (process ${pid}) is still there`)
      await delay(10)
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('npm start', () => {
  test('brings everything up, and takes everything down at Ctrl-C', async () => {
    const stack = await startUntilUp()
    const pids = await stack.pids()
    expect((await fetch(`${stack.api}/readyz`)).status).toBe(200)
    expect(await readFile(join(dataDir, 'redis.url'), 'utf8')).toBe(`${stack.redis}\n`)
    stack.process.kill('SIGINT')
    expect(await stack.exited).toEqual([0, null])
    await allGone(pids)
    expect(existsSync(join(dataDir, 'redis.url'))).toBe(false)
    expect(stack.output()).toMatch(/stopping\nstopped\n$/)
  })

  test('takes one Ctrl-C for one, though it arrives several times', async () => {
    const stack = await startUntilUp()
    for (let times = 0; times < 3; times++) stack.process.kill('SIGINT')
    expect(await stack.exited).toEqual([0, null])
  })

  test('starts again what dies: the worker, the API at its address, Redis at its address with its data', async () => {
    const stack = await startUntilUp()
    const pids = await stack.pids()
    await askRedis(stack.redis, 'SET color Blue')

    process.kill(pids.worker, 'SIGKILL')
    await stack.says(/the worker died \(signal SIGKILL\); starting it again/)
    await stack.says(/the worker is up again/)

    process.kill(pids.api, 'SIGKILL')
    await stack.says(/the API is up again/)
    expect((await fetch(`${stack.api}/readyz`)).status).toBe(200)

    process.kill(pids.redis, 'SIGKILL')
    await stack.says(/Redis is up again/)
    expect(await askRedis(stack.redis, 'GET color')).toContain('Blue')
  })

  test('leaves nothing behind when it is killed with -9', async () => {
    const stack = await startUntilUp()
    const pids = await stack.pids()
    stack.process.kill('SIGKILL')
    await allGone(pids)
  })

  test('leaves nothing behind when it is killed with -9 and an app ignores it', async () => {
    const stack = await startUntilUp({ FAKE_WORKER: 'stubborn' })
    const pids = await stack.pids()
    stack.process.kill('SIGKILL')
    await allGone(pids)
  })

  test('ends when the channel to its starter is cut', async () => {
    const stack = await startUntilUp()
    stack.process.disconnect()
    expect(await stack.exited).toEqual([0, null])
  })

  test('kills a stubborn app at the second Ctrl-C', async () => {
    const stack = await startUntilUp({ FAKE_WORKER: 'stubborn' })
    const pids = await stack.pids()
    stack.process.kill('SIGINT')
    await allGone({ api: pids.api })
    await delay(500) // within less, two signals are one Ctrl-C
    stack.process.kill('SIGINT')
    expect(await stack.exited).toEqual([130, null])
    await allGone(pids)
    expect(stack.output()).toMatch(/stopping at once\nstopped\n$/)
  })

  test('ends with 1 when an app refuses its configuration, and tells its words', async () => {
    const stack = start({ FAKE_API: 'faulty' })
    expect(await stack.exited).toEqual([1, null])
    expect(stack.output()).toMatch(/api {4}\| PORT must be a number\n/)
    expect(stack.output()).toMatch(/the API refuses its configuration/)
  })

  test('ends with 1 when an app crashes each time that it starts', async () => {
    const stack = start({ FAKE_WORKER: 'crashing' })
    expect(await stack.exited).toEqual([1, null])
    expect(stack.output()).toMatch(/the worker ended before it was ready \(exit code 1\)/)
  })

  test('runs twice side by side, but not on the same data', async () => {
    await startUntilUp()
    await startUntilUp({ DATA_DIR: join(dataDir, 'other') })
    const third = start()
    expect(await third.exited).toEqual([1, null])
    expect(third.output()).toMatch(/in use by another Redis .*\nA second copy needs a DATA_DIR and a PORT/)
  })

  test('uses a Redis that runs already', async () => {
    const stack = await startUntilUp({ REDIS_URL: inject('redisUrl') })
    expect(stack.redis).toBe(inject('redisUrl'))
    expect(existsSync(join(dataDir, 'redis'))).toBe(false)
  })

  test('says what it waits for, and is up once that is there', async () => {
    const stack = await startUntilUp({ REDIS_URL: inject('redisUrl'), FAKE_API_READY_AFTER_MS: '4000' })
    expect(stack.output()).toMatch(
      /using the Redis of REDIS_URL, redis:.+\nnot ready yet\. Missing: Redis does not answer\.\n.+Accepted is up/s,
    )
  })

  test('says in words that its data folder cannot be written', async () => {
    await writeFile(join(dataDir, 'file'), '')
    const stack = start({ DATA_DIR: join(dataDir, 'file') })
    expect(await stack.exited).toEqual([1, null])
    expect(stack.output()).toMatch(/file\/redis cannot be used as a data folder/)
  })
})
