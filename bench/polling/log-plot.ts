/** A line of a plot; both coordinates above 0. */
export interface Line {
  name: string
  points: [x: number, y: number][]
  /** Any CSS colour that is seen on white and on black. */
  color: string
  /** Thick lines are what the plot is about. */
  thick?: boolean
  /** Lengths of dashes and gaps, as in SVG; a full line without. */
  dashes?: string
}

/** A value that an axis names. */
export interface Tick {
  at: number
  label: string
}

/** A plot with logarithmic axes, which reach from their first tick to their last. */
export interface Plot {
  title: string
  x: { label: string; ticks: Tick[] }
  y: { label: string; ticks: Tick[] }
  lines: Line[]
}

const WIDTH = 860
const HEIGHT = 440
/** Where the axes are; the legend stands right of them. */
const FRAME = { left: 70, right: 590, top: 50, bottom: 380 }
const LEGEND = { left: 612, top: 64, step: 26 }

// Background and words change together, so that either pair can be read whatever is around it.
const STYLE = `
  .paper { fill: #fff } text { fill: #222 } .grid { stroke: #ddd }
  @media (prefers-color-scheme: dark) { .paper { fill: #14171c } text { fill: #e4e6ea } .grid { stroke: #3a3f47 } }
  text { font: 13px system-ui, sans-serif } .title { font-size: 15px; font-weight: 600 }
  polyline, .sample { fill: none; stroke-linejoin: round }`

/** The plot as an SVG document. */
export function svgOf({ title, x, y, lines }: Plot): string {
  const across = scale(x.ticks, FRAME.left, FRAME.right)
  const up = scale(y.ticks, FRAME.bottom, FRAME.top)
  const parts = [
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}" rx="6"/>`,
    text(FRAME.left, 28, title, 'class="title"'),
    ...x.ticks.flatMap(({ at, label }) => [
      grid(across(at), FRAME.top, across(at), FRAME.bottom),
      text(across(at), FRAME.bottom + 20, label, 'text-anchor="middle"'),
    ]),
    ...y.ticks.flatMap(({ at, label }) => [
      grid(FRAME.left, up(at), FRAME.right, up(at)),
      text(FRAME.left - 8, up(at) + 4, label, 'text-anchor="end"'),
    ]),
    text((FRAME.left + FRAME.right) / 2, HEIGHT - 16, x.label, 'text-anchor="middle"'),
    text(
      0,
      0,
      y.label,
      `text-anchor="middle" transform="translate(18 ${(FRAME.top + FRAME.bottom) / 2}) rotate(-90)"`,
    ),
    ...lines.map((line) => {
      const points = line.points.map(([at, value]) => `${round(across(at))},${round(up(value))}`)
      return `<polyline points="${points.join(' ')}" ${stroke(line)}/>`
    }),
    ...lines.flatMap((line, index) => legend(line, LEGEND.top + index * LEGEND.step)),
  ]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${xmlOf(title)}">`,
    `<style>${STYLE}\n</style>`,
    ...parts,
    '</svg>\n',
  ].join('\n')
}

/** From a value to its place between two, by logarithm. */
function scale(ticks: Tick[], from: number, to: number): (value: number) => number {
  const [first, last] = [ticks[0]!.at, ticks.at(-1)!.at]
  return (value) => from + ((to - from) * Math.log(value / first)) / Math.log(last / first)
}

function legend(line: Line, at: number): string[] {
  const { left } = LEGEND
  return [
    `<line class="sample" x1="${left}" y1="${at}" x2="${left + 34}" y2="${at}" ${stroke(line)}/>`,
    text(left + 44, at + 4, line.name),
  ]
}

function grid(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="grid" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`
}

function stroke({ color, thick, dashes }: Line): string {
  return `stroke="${color}" stroke-width="${thick ? 3.5 : 1.8}"${dashes ? ` stroke-dasharray="${dashes}"` : ''}`
}

function text(x: number, y: number, words: string, attributes = ''): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${xmlOf(words)}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function xmlOf(words: string): string {
  return words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
