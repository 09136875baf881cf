import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isRunning } from './folder-claim.mjs'
import { runFixture, until } from './testing/processes.ts'
import { spawnTethered, type TetheredProcess } from './tethered-process.ts'

describe.concurrent('a tethered process', () => {
  test('ends when its owner is killed with -9', async () => {
    const { owner, line } = await runFixture('own-a-process.ts', '', 'sleep', '60')
    const { pid } = line as { pid: number }
    expect(isRunning(pid)).toBe(true)
    owner.kill('SIGKILL')
    await until('the command is gone', () => !isRunning(pid))
  })

  test('ends with its owner even if it is frozen', async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'frozen-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const begun = join(folder, 'begun')
    const command = ['sh', '-c', 'touch "$1"; exec sleep 60', 'sh', begun]
    const { owner, line } = await runFixture('own-a-process.ts', '', ...command)
    const { pid } = line as { pid: number }
    // Its tether is tied before the command begins; a shell that is frozen while it ties it is not what this is about.
    await until('the command has begun', () => existsSync(begun))
    process.kill(pid, 'SIGSTOP')
    owner.kill('SIGKILL')
    await until('the command is gone', () => !isRunning(pid))
  })

  test('ends with its owner even if it ignores TERM', async () => {
    const { owner, line } = await runFixture('own-a-process.ts', '', 'sh', '-c', 'trap "" TERM; sleep 60; :')
    const { pid } = line as { pid: number }
    owner.kill('SIGKILL')
    await until('the command is gone', () => !isRunning(pid), 15_000)
  }, 20_000)

  test('takes its temporary folder along', async () => {
    const folder = await mkdtemp(join(tmpdir(), "it's a folder-"))
    const { owner } = await runFixture('own-a-process.ts', folder, 'sleep', '60')
    owner.kill('SIGKILL')
    await until('the folder is gone', () => !existsSync(folder))
  })

  test('has the pid, the exit code and the arguments of its command', async () => {
    const tethered = spawnTethered('sh', ['-c', 'echo "$$ $1"; exit 7', 'sh', 'two words'])
    const output = outputOf(tethered)
    tethered.begin()
    expect(await tethered.exited).toEqual({ code: 7, signal: null })
    expect(output()).toBe(`${tethered.pid} two words\n`)
  })

  test('tells the signal that killed its command', async () => {
    const tethered = spawnTethered('sleep', ['60'])
    tethered.begin()
    tethered.child.kill('SIGKILL')
    expect(await tethered.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  test('can have a channel to its owner', async () => {
    const script = 'process.once("message", (text) => process.send(text + " you", () => process.exit()))'
    const tethered = spawnTethered(process.execPath, ['-e', script], { ipc: true })
    tethered.begin()
    tethered.child.send('hello')
    expect(await once(tethered.child, 'message')).toEqual(['hello you', undefined])
    expect(await tethered.exited).toEqual({ code: 0, signal: null })
  })

  test('has ended when its command has, though a child of it holds the output open', async () => {
    const script = `
      const { spawn } = require('node:child_process')
      const child = spawn('sleep', ['60'], { detached: true, stdio: 'inherit' })
      process.stdout.write(String(child.pid), () => process.exit())`
    const tethered = spawnTethered(process.execPath, ['-e', script])
    const output = outputOf(tethered)
    tethered.begin()
    expect(await tethered.exited).toEqual({ code: 0, signal: null })
    process.kill(Number(output()), 'SIGKILL')
  })

  test('leaves nobody of its group behind', async () => {
    const tethered = spawnTethered('true', [])
    tethered.begin()
    await tethered.exited
    await until('the group is empty', () => !hasMembers(tethered.pid))
  })

  test('that is ended before it began never runs its command', async () => {
    const tethered = spawnTethered('echo', ['ran'])
    const output = outputOf(tethered)
    tethered.child.kill('SIGTERM')
    await tethered.exited
    expect(output()).toBe('')
  })
})

function outputOf({ child }: TetheredProcess): () => string {
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  return () => output
}

function hasMembers(group: number): boolean {
  try {
    process.kill(-group, 0)
    return true
  } catch {
    return false
  }
}
