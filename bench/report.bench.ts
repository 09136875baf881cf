import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { makeOrder, namesByScript } from '@accepted/operations/testing'
import { bounded, type Figure } from './figures.ts'
import { startProcess } from './processes.ts'

const ORDERS = 50_000
const BATCH = 10_000
/** Those that `npm start` and docker-compose.yml give the worker. */
const FLAGS = ['--max-semi-space-size=8']

/** A report of 50,000 orders: what it takes of the worker's memory and of its event loop. */
export async function report(redisUrl: string): Promise<Figure[]> {
  const environment = { REDIS_URL: redisUrl, PORT: '0', KEY_PREFIX: 'bench-report' }
  const api = await startProcess('apps/api/src/main.ts', environment)
  const probe = new URL('event-loop-probe.ts', import.meta.url).href
  const worker = await startProcess('apps/worker/src/main.ts', environment, [...FLAGS, '--import', probe])
  for (let from = 0; from < ORDERS; from += BATCH) await putOrders(String(api.told.url), from)

  worker.child.send('begin')
  const start = performance.now()
  const answer = await fetch(`${api.told.url}/orders/reports`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ start_date: '2021-01-01', end_date: '2022-01-01' }),
  })
  const location = new URL(answer.headers.get('location')!, String(api.told.url))
  let task: { status: string; result: { size_bytes: number; orders: number } }
  do {
    await new Promise((resolve) => setTimeout(resolve, 250))
    task = (await (await fetch(location, { redirect: 'manual' })).json()) as typeof task
  } while (!['completed', 'failed'].includes(task.status))
  const seconds = (performance.now() - start) / 1000
  if (task.status !== 'completed' || task.result.orders !== ORDERS) throw new Error(JSON.stringify(task))

  const peak = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${worker.child.pid}/status`, 'utf8'))![1]
  const measured = once(worker.child, 'message')
  worker.child.send('measure')
  const [{ longestMs }] = (await measured) as [{ longestMs: number }]
  await Promise.all([api.end(), worker.end()])
  return [
    bounded(
      `report of ${ORDERS.toLocaleString('en')} orders, ${(task.result.size_bytes / 1e6).toFixed(1)} MB: peak memory of the worker`,
      'MB',
      Number(peak) / 1024,
      300,
    ),
    bounded('… longest time its event loop stood still', 'ms', longestMs, 100),
    bounded('… from start to end', 's', seconds, 60),
  ]
}

/** Puts orders of one year; every twentieth has a customer whose name is in another script than Latin. */
async function putOrders(url: string, from: number): Promise<void> {
  const names = Object.values(namesByScript)
  const lines = Array.from({ length: BATCH }, (_, index) => {
    const n = from + index
    const customer = n % 20 === 0 ? { customer: names[(n / 20) % names.length] as string } : {}
    return JSON.stringify({
      ...makeOrder(n, customer),
      order_id: `A-${n}`,
      ordered_at: new Date(Date.UTC(2021, 0, 1) + n * 600_000).toISOString(),
    })
  })
  const answer = await fetch(`${url}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  if (!answer.ok) throw new Error(await answer.text())
}
