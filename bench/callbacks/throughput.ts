import { type Figure, ratio } from '../figures.ts'
import { median } from '../load.ts'
import { startProcess } from '../processes.ts'
import { plainQueue } from './plain-queue.ts'
import type { Arrivals } from './receivers.ts'
import { startReceivers } from './receiving.ts'
import { startSender, TIMEOUT_SECONDS } from './sender.ts'
import { toldTasks } from './tasks.ts'

const MESSAGES = 10_000
const ROUNDS = 3
const RECEIVERS = 4
const AT_ONCE = 64
/** One alone may not take every slot. */
const TENANTS = ['one', 'two']

/** Callbacks a second to receivers that answer at once, 64 at a time, each way from a backlog and with a process of its own. */
export async function throughput(redisUrl: string): Promise<Figure[]> {
  const receivers = await startReceivers(RECEIVERS, 0)
  const urls = Array.from({ length: MESSAGES }, (_, n) => receivers.healthy[n % RECEIVERS]!)
  const rate = ({ firstMs, lastMs }: Arrivals) => (MESSAGES * 1000) / (lastMs - firstMs)

  const ours = async (round: number) => {
    const prefix = `bench-callbacks-${round}`
    const tasks = toldTasks(redisUrl, prefix)
    await tasks.recallWorker(AT_ONCE)
    await tasks.end(urls.map((url, n) => ({ url, tenant: TENANTS[n % TENANTS.length]! })))
    const sender = await startSender(redisUrl, prefix, {
      CALLBACK_CONCURRENCY: String(AT_ONCE),
      CALLBACK_ENDPOINT_CONCURRENCY: String(AT_ONCE),
    })
    const figure = rate(await receivers.arrived(MESSAGES))
    await Promise.all([sender.end(), tasks.close()])
    return figure
  }
  const queued = async (round: number) => {
    const queue = plainQueue(redisUrl, `plain-callbacks-${round}`)
    await queue.add(urls)
    await queue.begin()
    const figure = rate(await receivers.arrived(MESSAGES))
    await queue.close()
    return figure
  }
  const looped = async () => {
    const sender = await startProcess('bench/callbacks/loop-sender.ts', {
      URLS: receivers.healthy.join(' '),
      COUNT: String(MESSAGES),
      CONCURRENCY: String(AT_ONCE),
      TIMEOUT_SECONDS: String(TIMEOUT_SECONDS),
    })
    sender.child.send('go')
    const figure = rate(await receivers.arrived(MESSAGES))
    await sender.end()
    return figure
  }

  const rates: { ours: number; queued: number; looped: number }[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.push({ looped: await looped(), queued: await queued(round), ours: await ours(round) })
  }
  await receivers.end()
  const [mine, queue, loop] = (['ours', 'queued', 'looped'] as const).map((way) =>
    median(rates.map((round) => round[way])),
  ) as [number, number, number]
  return [
    ratio(
      'callbacks to fast receivers; by hand: one BullMQ job each',
      '/s',
      { ours: mine, theirs: queue },
      0.25,
    ),
    ratio('… by hand: signed and sent, nothing kept', '/s', { ours: mine, theirs: loop }, 0.15),
  ]
}
