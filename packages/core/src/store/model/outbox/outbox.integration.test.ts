import { equal, deepEqual as same } from 'node:assert/strict'
import { startLocalRedis } from '@accepted/local-redis'
import type { Redis } from 'ioredis'
import { onTestFinished, test } from 'vitest'
import { type TestStore, testStore } from '../../../testing/index.ts'
import { runsOf, timeoutOf, trySequences } from '../sequences.ts'
import { connectionOf, type Ran, TwoVersions } from '../two-versions.ts'
import { type Action, anyAction } from './actions.ts'
import { EXAMPLES } from './examples.ts'
import { OutboxLife } from './outbox-life.ts'

const RUNS = runsOf(120)
const VERSION_RUNS = runsOf(60)
/** A bound for what must come to an end. */
const ROUNDS = 100
/** What stays of a shard in which nothing is left. */
const LASTING =
  /^(lane:test|lane:callbacks|slots:callbacks|recent:test.run|operations:\w+|upkeep|format|figures|stored)$/

test(
  'whatever happens to callbacks, the outbox follows the picture, and every message comes to an end',
  () => tryLives(RUNS, (store) => ({ life: new OutboxLife(store), check: async () => undefined })),
  timeoutOf(RUNS),
)

test(
  'so it does while two versions of the program are at work on one Redis, whichever does what',
  async () => {
    const ran: Ran = new Set()
    let newer: Redis
    await tryLives(VERSION_RUNS, (store, actions) => {
      newer ??= connectionOf(store)
      let versions!: TwoVersions
      const life = new OutboxLife(store, (jobs) => {
        versions = new TwoVersions(store, newer, jobs, ran, actions.length)
        return versions
      })
      return { life, check: () => versions.check() }
    })
    const scripts = ['take-delivery', 'settle-delivery', 'heartbeat', 'tick']
    const pairs = scripts.flatMap((name) => [`newer ${name}`, `older ${name}`])
    same([...ran].filter((pair) => pairs.includes(pair)).sort(), pairs.sort())
  },
  timeoutOf(VERSION_RUNS),
)

async function tryLives(
  runs: number,
  lifeOf: (store: TestStore, actions: Action[]) => { life: OutboxLife; check: () => Promise<void> },
): Promise<void> {
  const own = await startLocalRedis()
  onTestFinished(() => own.stop())
  const store = testStore({ url: own.url })
  await trySequences({
    anyAction,
    examples: EXAMPLES,
    runs,
    slowMs: 950,
    async live(actions) {
      await store.redis.flushdb()
      const { life, check } = lifeOf(store, actions)
      await life.begin()
      for (const action of actions) {
        await life.act(action)
        await check()
      }
      await bringToEnd(life)
    },
  })
}

/** Ends tasks and sends what is left, as workers would; then nothing of it may be left. */
async function bringToEnd(life: OutboxLife): Promise<void> {
  const { picture } = life
  const act = async (...actions: Action[]) => {
    for (const action of actions) await life.act(action)
  }
  for (let round = 0; picture.tasks.some(({ expires }) => expires === null); round += 1) {
    equal(round < ROUNDS, true, 'every task comes to an end')
    await act({ act: 'claim' }, { act: 'finish', task: 0, well: true }, { act: 'confirm', task: 0 })
  }
  for (let round = 0; picture.deliveries.some(({ status }) => status === 'pending'); round += 1) {
    equal(round < ROUNDS, true, 'every message comes to an end')
    await act({ act: 'wait', seconds: 60 }, { act: 'take', count: 8 })
    await act({ act: 'settle', held: 99, lost: false, verdict: 0, count: 99 })
  }
  for (const seconds of [130, 130, 100, 8 * 24 * 3_600]) {
    await act({ act: 'wait', seconds }, { act: 'look' })
  }
  const { keys, open, done } = await life.check()
  same([...keys.filter((key) => !LASTING.test(key)), ...open.keys(), ...done.keys()], [])
}
