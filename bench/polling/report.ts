import { type Line, type Plot, svgOf, type Tick } from './log-plot.ts'
import { isKnown, lengthOfBucket, type Run, runOf, type Summary, summarize } from './simulation.ts'

const SECTION = /(<!-- figures:[^>]*-->\n)[\s\S]*?(<!-- \/figures -->)/

const SECONDS: Tick[] = [
  { at: 0.2, label: '0.2 s' },
  { at: 1, label: '1 s' },
  { at: 10, label: '10 s' },
  { at: 60, label: '1 min' },
  { at: 600, label: '10 min' },
  { at: 3_600, label: '1 h' },
]

const STROKES: Record<string, Pick<Line, 'color' | 'thick' | 'dashes'>> = {
  'Retry-After, durations known': { color: '#d1495b', thick: true },
  'Retry-After, smooth progress': { color: '#3b9c6e', thick: true },
  'Retry-After, nothing known': { color: '#3d7fd1', thick: true },
  'every 1 s': { color: '#8d8d8d' },
  'every 5 s': { color: '#8d8d8d', dashes: '8 4' },
  'every 10 s': { color: '#8d8d8d', dashes: '2 4' },
  'backoff 1–60 s': { color: '#c98a1b', dashes: '10 3 2 3' },
}

/** The plots by the names of their files: the median of the polls, and of the lags the median and the 90th percentile. */
export function plotsOf(runs: Run[]): Record<string, string> {
  const aim: Line = {
    name: 'the aim: 20 % or 1 s',
    color: '#9b6bd3',
    dashes: '2 3',
    points: [0.2, 5, 3_600].map((seconds) => [seconds, Math.max(1, 0.2 * seconds)]),
  }
  const lag = (name: string, of: 'median' | 'p90') =>
    plot(
      `How late the end is seen: ${name}`,
      'seconds after the end',
      [-1, 3],
      [...linesOf(runs, ({ lagMs }) => lagMs[of] / 1_000), aim],
    )
  return {
    'polling-polls.svg': plot(
      'Polls per task: median',
      'polls',
      [0, 4],
      linesOf(runs, ({ polls }) => polls.median),
    ),
    'polling-lag.svg': lag('median', 'median'),
    'polling-lag-p90.svg': lag('90th percentile', 'p90'),
  }
}

/** A page with its table of conditions made anew, over all lengths. */
export function withTable(page: string, runs: Run[]): string {
  const rows = runs.map((run) => {
    const { polls, lagMs, lagShare, inTime } = summarize(run.buckets.flat())
    const most = Math.max(...run.buckets.map((seen) => summarize(seen).polls.median))
    return [
      run.client,
      run.history,
      run.progress,
      `${polls.median} / ${polls.p90}`,
      `${most}`,
      `${seconds(lagMs.median)} / ${seconds(lagMs.p90)} s`,
      `${percent(lagShare.median)} / ${percent(lagShare.p90)}`,
      percent(inTime),
    ]
  })
  const head = ['client', 'durations', 'progress', 'polls', 'most', 'lag', 'lag, share', 'in time']
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`)
  return page.replace(SECTION, (_match, begin: string, end: string) => `${begin}\n${lines.join('')}\n${end}`)
}

/** Every figure of every condition at every length, as CSV. */
export function csvOf(runs: Run[]): string {
  const head =
    'client,durations,progress,length_s,polls_median,polls_p90,lag_s_median,lag_s_p90,lag_share_median,lag_share_p90,in_time'
  const rows = runs.flatMap(({ client, history, progress, buckets }) =>
    buckets.map((seen, bucket) => {
      const { polls, lagMs, lagShare, inTime } = summarize(seen)
      const names = [client, history, progress].map((name) => `"${name}"`)
      const figures = [lengthOfBucket(bucket) / 1_000, polls.median, polls.p90, lagMs.median / 1_000]
      const more = [lagMs.p90 / 1_000, lagShare.median, lagShare.p90, inTime]
      return [...names, ...[...figures, ...more].map((figure) => String(Number(figure.toPrecision(4))))].join(
        ',',
      )
    }),
  )
  return [head, ...rows].map((line) => `${line}\n`).join('')
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function plot(title: string, label: string, powers: [number, number], lines: Line[]): string {
  const [least, most] = powers
  const ticks = Array.from({ length: most - least + 1 }, (_, index) => 10 ** (least + index))
  const y: Plot['y'] = { label, ticks: ticks.map((at) => ({ at, label: at.toLocaleString('en') })) }
  return svgOf({ title, x: { label: 'length of the task', ticks: SECONDS }, y, lines })
}

/** A line a client: that which obeys, by what is known, and the others. */
function linesOf(runs: Run[], figure: (summary: Summary) => number): Line[] {
  const known = runs.filter((run) => isKnown(run) && run.progress === 'none')
  const sets: Record<string, Run[]> = {
    'Retry-After, durations known': known,
    'Retry-After, smooth progress': [runOf(runs, 'Retry-After', 'none', 'smooth')],
    'Retry-After, nothing known': [runOf(runs, 'Retry-After', 'none', 'none')],
  }
  return Object.entries(STROKES).map(([name, style]) => {
    const set = sets[name] ?? [runOf(runs, name)]
    const points = set[0]!.buckets.map((_, bucket): [number, number] => [
      lengthOfBucket(bucket) / 1_000,
      figure(summarize(set.flatMap(({ buckets }) => buckets[bucket]!))),
    ])
    return { name, ...style, points }
  })
}

function seconds(ms: number): string {
  return String(Number((ms / 1_000).toPrecision(2)))
}
