import { equal, deepEqual as same } from 'node:assert/strict'
import { startLocalRedis } from '@accepted/local-redis'
import fc from 'fast-check'
import { onTestFinished, test } from 'vitest'
import { testStore } from '../../../testing/index.ts'
import { type Action, anyAction } from './actions.ts'
import { EXAMPLES } from './examples.ts'
import { OutboxLife } from './outbox-life.ts'

/** How many sequences are tried, and how long they are: more of them by hand, see CONTRIBUTING.md. */
const RUNS = Number(process.env.LIFE_RUNS ?? 120)
const LENGTH = Number(process.env.LIFE_LENGTH ?? 30)
const SEED = process.env.LIFE_SEED ? { seed: Number(process.env.LIFE_SEED) } : {}
/** As in the test of tasks' lives: a sequence that a halting machine drew out for so long is not judged. */
const SLOW_MS = 950
/** A bound for what must come to an end. */
const ROUNDS = 100
/** What stays of a shard in which nothing is left. */
const LASTING = /^(lane:test|lane:callbacks|slots:callbacks|recent:test.run|operations:\w+|upkeep)$/

test(
  'whatever happens to callbacks, the outbox follows the picture, and every message comes to an end',
  async () => {
    const own = await startLocalRedis()
    onTestFinished(() => own.stop())
    const store = testStore({ url: own.url })
    const sequence = fc.asyncProperty(
      fc.noBias(fc.array(anyAction, { maxLength: LENGTH, size: 'max' })),
      async (actions) => {
        await store.redis.flushdb()
        const began = performance.now()
        try {
          const life = new OutboxLife(store)
          await life.begin()
          for (const action of actions) await life.act(action)
          await bringToEnd(life)
        } catch (error) {
          fc.pre(performance.now() - began < SLOW_MS)
          throw error
        }
      },
    )
    await fc.assert(sequence, { numRuns: RUNS, examples: EXAMPLES, ...SEED })
  },
  60_000 + RUNS * LENGTH * 20,
)

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
