import { equal, deepEqual as same } from 'node:assert/strict'
import { startLocalRedis } from '@accepted/local-redis'
import { onTestFinished, test } from 'vitest'
import { testStore } from '../../testing/index.ts'
import { type Action, anyAction } from './actions.ts'
import { Life } from './life.ts'
import { isOpen } from './model-task.ts'
import { runsOf, timeoutOf, trySequences } from './sequences.ts'

const RUNS = runsOf(400)
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
]
/** A bound for what must come to an end. */
const ROUNDS = 60

test(
  'whatever happens to tasks, their lives follow the picture, and all that is begun comes to an end',
  async () => {
    const own = await startLocalRedis()
    onTestFinished(() => own.stop())
    const store = testStore({ url: own.url })
    await trySequences({
      anyAction,
      examples: EXAMPLES,
      runs: RUNS,
      slowMs: 1_900,
      async live(actions) {
        await store.redis.flushdb()
        const life = new Life(store)
        for (const action of actions) await life.act(action)
        await bringToEnd(life)
      },
    })
  },
  timeoutOf(RUNS),
)

/** Works off what is left, as workers would; then nothing of it may be left. */
async function bringToEnd(life: Life): Promise<void> {
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
  const left = contents.keys.filter(
    (key) => !/^(lane:test|recent:test.run|operations:\w+|upkeep|figures)$/.test(key),
  )
  same(left, [])
}
