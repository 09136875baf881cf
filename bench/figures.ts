/** One line of the report. */
export interface Figure {
  name: string
  ours: string
  theirs: string
  /** What is held against the bar. */
  reached: string
  bar: string
  met: boolean
}

/** A figure that is a ratio of two measured side by side. */
export function ratio(
  name: string,
  unit: string,
  { ours, theirs }: { ours: number; theirs: number },
  atLeast: number,
): Figure {
  const value = ours / theirs
  return {
    name,
    ours: `${Math.round(ours).toLocaleString('en')} ${unit}`,
    theirs: `${Math.round(theirs).toLocaleString('en')} ${unit}`,
    reached: `${value.toFixed(2)} ×`,
    bar: `≥ ${atLeast} ×`,
    met: value >= atLeast,
  }
}

/** A figure that is a ratio of two measured side by side, and is to stay small: what ours may cost at most. */
export function cost(
  name: string,
  unit: string,
  { ours, theirs }: { ours: number; theirs: number },
  atMost: number,
): Figure {
  const value = ours / theirs
  return {
    name,
    ours: `${shown(ours)} ${unit}`,
    theirs: `${shown(theirs)} ${unit}`,
    reached: `${value.toFixed(2)} ×`,
    bar: `≤ ${atMost} ×`,
    met: value <= atMost,
  }
}

function shown(value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

/** A figure that has an upper bound. */
export function bounded(name: string, unit: string, value: number, atMost: number): Figure {
  const text = `${shown(value)} ${unit}`
  return {
    name,
    ours: text,
    theirs: '',
    reached: text,
    bar: `≤ ${atMost.toLocaleString('en')} ${unit}`,
    met: value <= atMost,
  }
}

/** A figure that is told as it is: nothing is promised. */
export function seen(name: string, text: string): Figure {
  return { name, ours: text, theirs: '', reached: text, bar: 'none', met: true }
}

/** The figures as a Markdown table. */
export function table(figures: Figure[]): string {
  const rows = figures.map(({ name, ours, theirs, reached, bar, met }) => [
    name,
    ours,
    theirs,
    reached,
    bar,
    met ? 'yes' : 'no',
  ])
  return [
    ['', 'ours', 'by hand', 'reached', 'bar', 'met'],
    ['---', '---', '---', '---', '---', '---'],
    ...rows,
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}
