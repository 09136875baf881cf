import { startLocalRedis } from '@accepted/local-redis'
import autocannon from 'autocannon'
import { startProcess } from './processes.ts'
const redis = await startLocalRedis()
const api = await startProcess('apps/api/src/main.ts', { REDIS_URL: redis.url, PORT: '0', MAX_BACKLOG: '100000000', SHED_LOOP_DELAY_MS: process.argv[2] ?? '1000000' })
const url = String(api.told.url)
const CAR = JSON.stringify({ brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' })
for (const connections of [64, 100, 256, 1000, 4000]) {
  const seen: number[] = []
  const levels: number[] = []
  const timer = setInterval(async () => {
    const text = await (await fetch(`${url}/metrics`)).text()
    seen.push(Math.round(Number(/^http_loop_delay_seconds (\S+)$/m.exec(text)![1]) * 1000))
    levels.push(Number(/^http_shedding_level (\S+)$/m.exec(text)![1]))
  }, 300)
  const result = await autocannon({ url: `${url}/cars`, method: 'POST', headers: { 'content-type': 'application/json' }, body: CAR, connections, duration: 6 })
  clearInterval(timer)
  console.log(connections, Math.round(result.requests.average), 'rps p99', result.latency.p99, 'non2xx', result.non2xx, 'delay ms', seen.join(' '), 'levels', levels.map((l) => l.toFixed(1)).join(' '))
}
await api.end(); await redis.stop()
