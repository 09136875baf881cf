import { readFile, writeFile } from 'node:fs/promises'
import type { Figure } from './figures.ts'
import { csvOf, percent, plotsOf, withTable } from './polling/report.ts'
import { isKnown, type Run, runOf, simulate, summarize } from './polling/simulation.ts'

const TASKS_PER_BUCKET = 500
const MOST_POLLS = 8
const PAGES = new URL('../docs/benchmarks/', import.meta.url)

/**
 * Clients that obey `Retry-After` beside one that asks every second, simulated.
 *
 * @param save whether the plots, the table and the figures in docs/benchmarks are made anew
 */
export async function polling(save: boolean): Promise<Figure[]> {
  const runs = simulate(TASKS_PER_BUCKET)
  if (save) await saveTo(PAGES, runs)
  const fixed = runOf(runs, 'every 1 s')
  return [
    ...figuresOf('durations known', runs.filter(isKnown), fixed),
    ...figuresOf('smooth progress alone', [runOf(runs, 'Retry-After', 'none', 'smooth')], fixed),
    ...figuresOf('nothing known', [runOf(runs, 'Retry-After')], fixed),
  ]
}

/** What the aim asks for, over all lengths, and the polls at the length that takes most. */
function figuresOf(name: string, runs: Run[], fixed: Run): Figure[] {
  const ours = summarize(runs.flatMap(({ buckets }) => buckets.flat()))
  const theirs = summarize(fixed.buckets.flat())
  return [
    polls(`${name}: polls per task, median`, ours.polls.median, theirs.polls.median),
    polls(`${name}: the same at the length that takes most`, mostPolls(runs), mostPolls([fixed])),
    {
      name: `${name}: ends seen within 20 % of the duration or 1 s`,
      ours: percent(ours.inTime),
      theirs: percent(theirs.inTime),
      reached: percent(ours.inTime),
      bar: '≥ 50 %',
      met: ours.inTime >= 0.5,
    },
  ]
}

function polls(name: string, ours: number, theirs: number): Figure {
  const shown = `${ours} polls`
  return {
    name,
    ours: shown,
    theirs: `${theirs.toLocaleString('en')} polls`,
    reached: shown,
    bar: `≤ ${MOST_POLLS} polls`,
    met: ours <= MOST_POLLS,
  }
}

/** The highest median of any condition at any length. */
function mostPolls(runs: Run[]): number {
  return Math.max(...runs.flatMap(({ buckets }) => buckets.map((seen) => summarize(seen).polls.median)))
}

async function saveTo(folder: URL, runs: Run[]): Promise<void> {
  const page = new URL('polling.md', folder)
  const files = { ...plotsOf(runs), 'polling.csv': csvOf(runs) }
  await writeFile(page, withTable(await readFile(page, 'utf8'), runs))
  for (const [name, text] of Object.entries(files)) await writeFile(new URL(name, folder), text)
}
