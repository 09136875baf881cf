import { expect, test } from 'vitest'
import { svgOf } from './log-plot.ts'

const ticks = [
  { at: 1, label: '1' },
  { at: 100, label: '100 & more' },
]

test('equal factors are equal distances on either axis', () => {
  const points: [number, number][] = [
    [1, 1],
    [10, 10],
    [100, 100],
  ]
  const svg = svgOf({
    title: 'T',
    x: { label: 'x', ticks },
    y: { label: 'y', ticks },
    lines: [{ name: 'a line', color: '#888', points }],
  })
  const drawn = /<polyline points="([^"]+)"/
    .exec(svg)![1]!
    .split(' ')
    .map((at) => at.split(',').map(Number))
  const [first, middle, last] = drawn as [number[], number[], number[]]
  expect(middle[0]).toBe((first[0]! + last[0]!) / 2)
  expect(middle[1]).toBe((first[1]! + last[1]!) / 2)
  expect(first[1]).toBeGreaterThan(last[1]!)
  expect(svg).toContain('100 &#38; more')
})
