import { BufferFlag, ClusterLevel, Direction, Feature, Buffer as GlyphBuffer, shape } from 'harfbuzzjs'
import type { FontUse } from './font-use.ts'
import { Pen } from './pen.ts'
import { type Glyph, type Group, joinStrayMarks, shareOut } from './read-back.ts'

/** A piece of text in one font and one direction, ready for a page. */
export interface Run {
  readonly use: FontUse
  /** In thousandths of the font size. */
  readonly width: number
  /** Draws it from where the pen is, and leaves the pen at its end: the inside of a TJ array, */
  readonly array: string
  /** or, where that is not enough, whole operators. */
  readonly operators: string | undefined
}

const buffer = new GlyphBuffer()
/** Keeps fonts from taking `ị` apart into letter and dot, which without further marks gains nothing. */
const letterByLetter = new Feature('ccmp', 0)

/** Shapes the text: HarfBuzz chooses the glyphs and their places; `size` is in points. */
export function shapeRun(use: FontUse, text: string, rightToLeft: boolean, size: number): Run {
  const groups = joinStrayMarks(shapeGroups(use, text, rightToLeft), rightToLeft)
  return draw(use, rightToLeft ? groups.reverse() : groups, rightToLeft, size)
}

/**
 * Draws `shown` in place of text that no font has (its plain letters, or a replacement character); who copies or
 * searches it still gets the text as it was.
 */
export function standInRun(use: FontUse, text: string, shown: string, size: number): Run {
  const glyphs = shapeGroups(use, shown, false).flatMap((group) => group.glyphs)
  return draw(use, [{ glyphs, text }], false, size)
}

/** Shapes left-to-right text of letters, figures and punctuation, without marks. */
export function shapePlainRun(use: FontUse, text: string, size: number): Run {
  return draw(use, shapeGroups(use, text, false, true), false, size)
}

/** The groups in reading order. */
function shapeGroups(use: FontUse, text: string, rightToLeft: boolean, isPlain = false): Group[] {
  buffer.reset()
  buffer.setClusterLevel(ClusterLevel.MONOTONE_CHARACTERS)
  buffer.setFlags(BufferFlag.REMOVE_DEFAULT_IGNORABLES)
  buffer.addText(text)
  buffer.setDirection(rightToLeft ? Direction.RTL : Direction.LTR)
  buffer.guessSegmentProperties()
  shape(use.face.font, buffer, isPlain ? [letterByLetter] : [])

  const clusters = new Map<number, Glyph[]>()
  for (const glyph of buffer.getGlyphInfosAndPositions()) {
    const { codepoint: id, cluster, xAdvance: advance = 0, xOffset: dx = 0, yOffset: dy = 0 } = glyph
    const glyphs = clusters.get(cluster)
    const placed = { id, width: use.width(id), advance, dx, dy }
    if (glyphs) glyphs.push(placed)
    else clusters.set(cluster, [placed])
  }
  const starts = [...clusters.keys()]
  if (rightToLeft) starts.reverse()
  return starts.map((start, i) => ({
    // The first from the start of the text, so that what drew nothing before it belongs to it.
    text: text.slice(i === 0 ? 0 : start, starts[i + 1]),
    glyphs: clusters.get(start)!,
  }))
}

/** `groups` come in the order of drawing. */
function draw(use: FontUse, groups: readonly Group[], rightToLeft: boolean, size: number): Run {
  const pen = new Pen(size)
  let width = 0
  for (const group of groups) {
    for (const slot of shareOut(group, rightToLeft)) {
      pen.show(use.codeFor(slot), slot)
      width += slot.advance
    }
  }
  return { use, width, ...pen.finish() }
}
