import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { claimFolder } from './folder-claim.mjs'

let folder: string
let others: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'claim-'))
})

afterEach(async () => {
  for (const other of others) await end(other)
  others = []
  await rm(folder, { recursive: true })
})

async function startOther(): Promise<ChildProcess & { pid: number }> {
  const other = spawn('sleep', ['60'])
  await once(other, 'spawn')
  others.push(other)
  return other as ChildProcess & { pid: number }
}

async function end(other: ChildProcess): Promise<void> {
  if (other.exitCode !== null || other.signalCode !== null) return
  other.kill('SIGKILL')
  await once(other, 'exit')
}

describe('a folder claim', () => {
  test('is held by one process at a time', async () => {
    const other = await startOther()
    expect(await claimFolder(folder, { pid: other.pid })).toMatchObject({ outcome: 'claimed' })
    expect(await claimFolder(folder)).toEqual({ outcome: 'held', pid: other.pid })
  })

  test('can be taken once it is released', async () => {
    const other = await startOther()
    const claim = await claimFolder(folder, { pid: other.pid })
    if (claim.outcome === 'claimed') claim.release()
    expect(await claimFolder(folder)).toMatchObject({ outcome: 'claimed' })
  })

  test('lapses when its process is killed', async () => {
    const other = await startOther()
    await claimFolder(folder, { pid: other.pid })
    await end(other)
    expect(await claimFolder(folder)).toMatchObject({ outcome: 'claimed' })
    expect(await readdir(folder)).toHaveLength(1)
  })

  test('of an earlier process does not bind a later one that was given the same pid', async () => {
    const other = await startOther()
    await writeFile(join(folder, `${other.pid}-12345`), '')
    expect(await claimFolder(folder)).toMatchObject({ outcome: 'claimed' })
  })

  test('is waited for as long as asked', async () => {
    const other = await startOther()
    await claimFolder(folder, { pid: other.pid })
    const waiting = claimFolder(folder, { waitMs: 10_000, onWait: () => other.kill('SIGKILL') })
    expect(await waiting).toMatchObject({ outcome: 'claimed' })
  })

  test('goes to exactly one of many that come at once', async () => {
    const rivals = await Promise.all(Array.from({ length: 8 }, startOther))
    const claims = await Promise.all(rivals.map(({ pid }) => claimFolder(folder, { pid, waitMs: 2_000 })))
    expect(claims.filter((claim) => claim.outcome === 'claimed')).toHaveLength(1)
  })

  test('cannot be made in the name of a process that is gone', async () => {
    const other = await startOther()
    await end(other)
    await expect(claimFolder(folder, { pid: other.pid })).rejects.toThrow(/is not running/)
  })
})
