import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { drill } from './drill/drill.ts'

test('what was accepted ends once, with its callbacks, whatever dies, freezes, is cut off or full on the way', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'accepted-drill-'))
  onTestFinished(() => rm(dataDir, { recursive: true }))
  const words: string[] = []
  const report = await drill({
    dataDir,
    seed: 3,
    forMs: 25_000,
    longestMs: 2_000,
    tasksPerSecond: 8,
    say: (said) => void words.push(said),
  })
  expect(report.wrong, words.join('\n')).toEqual([])
  expect(report.starts.accepted).toBeGreaterThan(50)
  expect(report.messages.expected).toBeGreaterThan(50)
  expect(Object.keys(report.faults).length).toBeGreaterThan(5)
}, 180_000)
