import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { startLocalRedis } from '@accepted/local-redis'
import { audit } from './audit.bench.ts'
import { auth } from './auth.bench.ts'
import { callbacks } from './callbacks.bench.ts'
import { cancel } from './cancel.bench.ts'
import { durability } from './durability.bench.ts'
import { fairness } from './fairness.bench.ts'
import { type Figure, table } from './figures.ts'
import { pageOf, sectionsOf } from './figures-page.ts'
import { guard } from './guard.bench.ts'
import { http } from './http.bench.ts'
import { memory } from './memory.bench.ts'
import { names } from './names.bench.ts'
import { outage } from './outage.bench.ts'
import { overload } from './overload.bench.ts'
import { polling } from './polling.bench.ts'
import { withinLimits } from './processes.ts'
import { report } from './report.bench.ts'
import { signing } from './signing.bench.ts'
import { tasks } from './tasks.bench.ts'
import { upkeep } from './upkeep.bench.ts'
import { waiting } from './waiting.bench.ts'

interface Bench {
  /** Measures; with `save`, keeps what it makes beside its figures. */
  measure(save: boolean): Promise<Figure[]>
  /** What is to say of the figures. */
  note: string
}

const NOTE = `Node ${process.version}, ${availableParallelism()} cores, medians of rounds measured in turn.`

/** The longest of them takes some minutes. */
const LIMIT_MS = 15 * 60_000

/**
 * `npm run bench -- [--save] [NAME…]`: measures, prints, and with `--save` keeps the figures in bench/figures.md; those
 * of benches that are not named stay as they are.
 */
const BENCHES: Record<string, Bench> = {
  http: onRedis(http),
  auth: onRedis(auth, `${NOTE} From the third on: one run each; commands are those that scripts call, too.`),
  audit: onRedis(audit),
  tasks: onRedis(tasks),
  fairness: onRedis(
    fairness,
    `${NOTE} Two worker processes of five slots; a task takes 50 to 150 ms. 100 samples each, from when Redis accepted a task to its beginning; in the plain queue six, behind 500 tasks and not 50,000, behind which each would wait a hundred times as long. "By hand" of the rest are the same tasks of 100 tenants in our own scripts, all of them in one flow; the ratio of tasks a second is the median of the rounds' own.`,
  ),
  memory: onRedis(memory),
  durability: {
    measure: durability,
    note: `${NOTE} Each Redis is a process of its own on this machine's disk; 64 creates are under way at a time. A \`kill -9\` ends Redis and not the machine: what power loss takes is not measured.`,
  },
  cancel: onRedis(cancel),
  waiting: onRedis(waiting),
  upkeep: onRedis(upkeep),
  report: onRedis(report),
  callbacks: onRedis(
    callbacks,
    `${NOTE} An attempt at the dead receiver takes 2 s here, where the product allows 15, so that a run takes less than three minutes; the sender is the worker as it is delivered, with no other change of its settings but 64 at a time to one receiver where callbacks a second are counted. Commands are those that scripts call, too.`,
  ),
  outage: {
    measure: outage,
    note: `${NOTE} Requests of every kind, 100 a second for 9 s over three outages, from the moment that it begins; the longest of the three ways back, asked every 10 ms.`,
  },
  overload: onRedis(
    overload,
    `${NOTE} "By hand" is the same process that sheds nothing. The flood has three connections for each start a second that the process can bear, 9,000 at most. API, Redis and flood share the two cores: the flood takes from the API what it needs itself.`,
  ),
  signing: { measure: signing, note: NOTE },
  names: { measure: names, note: NOTE },
  guard: {
    measure: guard,
    note: `Node ${process.version}, ${availableParallelism()} cores, medians of rounds measured in turn; "by hand" is undici as it comes.`,
  },
  polling: {
    measure: polling,
    note: 'Simulated, the same on every machine; "by hand" asks every second. [polling.md](../docs/benchmarks/polling.md) tells more.',
  },
}

function onRedis(measure: (redisUrl: string) => Promise<Figure[]>, note = NOTE): Bench {
  return {
    note,
    async measure() {
      const redis = await startLocalRedis()
      try {
        return await measure(redis.url)
      } finally {
        await redis.stop()
      }
    },
  }
}

const page = new URL('figures.md', import.meta.url)
const words = process.argv.slice(2)
const save = words.includes('--save')
const chosen = words.filter((word) => word in BENCHES)
const measured = new Map<string, string>()
for (const name of chosen.length > 0 ? chosen : Object.keys(BENCHES)) {
  process.stderr.write(`measuring ${name} …\n`)
  const { measure, note } = BENCHES[name]!
  const text = `${table(await withinLimits(LIMIT_MS, () => measure(save)))}\n\n${note}`
  process.stdout.write(`\n${text}\n`)
  measured.set(name, text)
}
if (save) {
  const sections = new Map([...sectionsOf(await readFile(page, 'utf8')), ...measured])
  await writeFile(page, pageOf(sections, Object.keys(BENCHES)))
}
