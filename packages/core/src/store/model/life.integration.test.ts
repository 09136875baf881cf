import { equal, deepEqual as same } from 'node:assert/strict'
import { startLocalRedis } from '@accepted/local-redis'
import type { Redis } from 'ioredis'
import { onTestFinished, test } from 'vitest'
import type { LaneJobs } from '../../lane-jobs.ts'
import { scriptsWithoutCaps, type TestStore, testStore } from '../../testing/index.ts'
import { SCRIPT_SOURCES } from '../scripts.ts'
import { type Action, anyAction } from './actions.ts'
import { Life } from './life.ts'
import { isOpen } from './model-task.ts'
import { runsOf, timeoutOf, trySequences } from './sequences.ts'
import { connectionOf, type Ran, TwoVersions } from './two-versions.ts'

const RUNS = runsOf(400)
const VERSION_RUNS = runsOf(100)
/** What once failed is tried first. */
const EXAMPLES: [Action[]][] = [
  // A try of undoing that failed was counted in the record, but readers were told that theirs still held.
  [
    [
      { act: 'begin', tenant: 0, kind: 0, priority: 3, key: null },
      { act: 'end', held: 0, lost: false, ending: 1 },
      { act: 'read' },
      { act: 'retry', held: 0, lost: false, delayMs: 0 },
      { act: 'read' },
    ],
  ],
  // A cap was taken away, but only a program that knows of none had ticked since: its tenant was held still.
  [
    [
      { act: 'create', tenant: 0, kind: 0, priority: 3, key: null },
      { act: 'claim', worker: 0, most: 1 },
      { act: 'limit', tenant: 0, running: 1 },
      { act: 'limit', tenant: 0, running: 1 },
      { act: 'read' },
      { act: 'create', tenant: 0, kind: 0, priority: 3, key: null },
      { act: 'claim', worker: 0, most: 1 },
      { act: 'limit', tenant: 0, running: null },
      { act: 'confirm', task: 0, foreign: false },
      { act: 'begin', tenant: 0, kind: 0, priority: 3, key: null },
    ],
  ],
]
/** Keys that are never gone. */
const LASTING = /^(lane:test|recent:test.run|operations:\w+|upkeep|format|figures|limits|stored)$/
/** A bound for what must come to an end. */
const ROUNDS = 60

test(
  'whatever happens to tasks, their lives follow the picture, and all that is begun comes to an end',
  () => tryLives(RUNS, (store) => ({ life: new Life(store), check: async () => undefined })),
  timeoutOf(RUNS),
)

test(
  'so they do while two versions of the program are at work on one Redis, whichever does what',
  async () => {
    const ran: Ran = new Set()
    let newer: Redis
    await tryLives(VERSION_RUNS, (store, actions) => {
      newer ??= connectionOf(store)
      let versions!: TwoVersions
      const life = new Life(store, (jobs) => {
        versions = new TwoVersions(store, newer, jobs, ran, actions.length)
        return versions
      })
      return { life, check: () => versions.check() }
    })
    const scripts = ['create', 'claim', 'step', 'end', 'tick', 'read']
    const pairs = scripts.flatMap((name) => [`newer ${name}`, `older ${name}`])
    same([...ran].filter((pair) => pairs.includes(pair)).sort(), pairs.sort())
  },
  timeoutOf(VERSION_RUNS),
)

test(
  'none of them strands tasks where one of two releases knows none of running caps',
  async () => {
    let newer: Redis
    const sources = { older: scriptsWithoutCaps(), newer: SCRIPT_SOURCES }
    await tryLives(VERSION_RUNS, (store, actions) => {
      newer ??= connectionOf(store)
      const scriptsOf = (jobs: Pick<LaneJobs, 'add'>) =>
        new TwoVersions(store, newer, jobs, new Set(), actions.length, sources)
      // What tenants have had, and that a flow was held which is empty now, is forgotten by the next tick that knows of it.
      const lasting = new RegExp(`${LASTING.source}|^(held|served):test$`)
      return { life: new Life(store, scriptsOf, false), check: async () => undefined, lasting }
    })
  },
  timeoutOf(VERSION_RUNS),
)

async function tryLives(
  runs: number,
  lifeOf: (
    store: TestStore,
    actions: Action[],
  ) => { life: Life; check: () => Promise<void>; lasting?: RegExp },
): Promise<void> {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const store = testStore({ url: own.url })
  await trySequences({
    anyAction,
    examples: EXAMPLES,
    runs,
    slowMs: 1_900,
    async live(actions) {
      await store.redis.flushdb()
      const { life, check, lasting = LASTING } = lifeOf(store, actions)
      for (const action of actions) {
        await life.act(action)
        await check()
      }
      await bringToEnd(life, lasting)
    },
  })
}

/** Works off what is left, as workers would; then nothing of it may be left. */
async function bringToEnd(life: Life, lasting: RegExp): Promise<void> {
  const act = async (...actions: Action[]) => {
    for (const action of actions) await life.act(action)
  }
  for (let round = 0; life.model.tasks.some(isOpen); round += 1) {
    equal(round < ROUNDS, true, 'every task comes to an end')
    await act(
      { act: 'pass', seconds: 20, watched: true },
      { act: 'tick' },
      { act: 'claim', worker: 0, most: 1 },
    )
    const newest = { held: 0, lost: false }
    for (let n = 0; n < 3; n += 1) await act({ act: 'step', ...newest, whole: true, how: 'undoable' })
    await act({ act: 'end', ...newest, ending: 0 }, { act: 'confirm', task: round, foreign: false })
  }
  await act({ act: 'pass', seconds: 200_000, watched: true }, { act: 'tick' }, { act: 'read' })
  await act({ act: 'pass', seconds: 100, watched: true }, { act: 'read' })
  const contents = await life.check()
  same([...contents.open.keys(), ...contents.done.keys()], [])
  const left = contents.keys.filter((key) => !lasting.test(key))
  same(left, [])
}
