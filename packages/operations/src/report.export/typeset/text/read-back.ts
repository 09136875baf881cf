import type { Placement } from './pen.ts'

/** A glyph where shaping put it. */
export interface Glyph extends Placement {
  readonly id: number
  /** Its own width in thousandths of the size, before kerning. */
  readonly width: number
}

/** What a page shows in one place: a glyph or (undefined) nothing, in some room, and the text that is read there. */
export interface Slot extends Placement {
  readonly id: number | undefined
  readonly width: number
  readonly text: string
}

/** Marks and format characters (joiners). */
const mark = /[\p{M}\p{Cf}]/u

/** Glyphs, in the order of drawing, that together stand for some text: usually one for one. */
export interface Group {
  readonly text: string
  readonly glyphs: readonly Glyph[]
}

/** Beyond this from the pen, readers take a glyph for another word or another line. */
const astray = { dx: 30, dy: 50 }

/** Joins accents that stand far from the pen to the letter that they belong to; groups come in reading order. */
export function joinStrayMarks(groups: readonly Group[], rightToLeft: boolean): Group[] {
  const joined: Group[] = []
  for (const group of groups) {
    const before = joined.at(-1)
    const isStray =
      group.glyphs.every(({ advance }) => advance === 0) &&
      group.glyphs.some(({ dx, dy }) => Math.abs(dx) > astray.dx || Math.abs(dy) > astray.dy)
    if (!before || !isStray) {
      joined.push(group)
      continue
    }
    const glyphs = rightToLeft ? [...group.glyphs, ...before.glyphs] : [...before.glyphs, ...group.glyphs]
    joined[joined.length - 1] = { text: before.text + group.text, glyphs }
  }
  return joined
}

/**
 * Shares out the text of a group among its glyphs, so that whoever reads the page back finds the text in the order of
 * reading. Each glyph that takes room gets one character; accents and dots that shaping made of a letter get none.
 * Characters without a glyph (a ligature's) share the room of the last one, each in a slot of its own. A vowel sign
 * that is drawn before its consonant so gets the consonant's text, which nobody sees: a group is copied as a whole.
 */
export function shareOut({ text, glyphs }: Group, rightToLeft: boolean): Slot[] {
  // Readers turn round what is right-to-left within one glyph's text as well, and some give no room to a glyph
  // whose text has a mark in it.
  const oneEach = rightToLeft || mark.test(text)
  const [only] = glyphs
  if (only && glyphs.length === 1 && !oneEach) return [{ ...only, text }]

  const wide = glyphs.filter((glyph) => glyph.advance > 0)
  const bearers = wide.length > 0 ? wide : glyphs.slice(0, 1)
  if (rightToLeft) bearers.reverse()
  const characters = [...text]
  const texts = new Map(bearers.map((glyph, i) => [glyph, characters.slice(i, i + 1)]))
  const last = bearers.at(Math.min(bearers.length, characters.length) - 1)
  if (last) texts.get(last)?.push(...characters.slice(bearers.length))

  const slots = glyphs.flatMap((glyph) => {
    const own = texts.get(glyph) ?? []
    if (!oneEach || own.length < 2) return { ...glyph, text: own.join('') }
    return split(glyph, rightToLeft ? own.reverse() : own)
  })
  return closeGaps(slots)
}

/** Widens slots with text over those without that follow: where there is room without text, readers see a space. */
function closeGaps(slots: readonly Slot[]): Slot[] {
  return slots.map((slot, i) => {
    if (!slot.text) return slot
    const next = slots.findIndex((other, j) => j > i && other.text)
    const silent = slots.slice(i + 1, next === -1 ? undefined : next)
    return { ...slot, width: slot.width + silent.reduce((sum, { advance }) => sum + advance, 0) }
  })
}

/** The glyph's room in slots for one character each; marks take none. The glyph itself stands in the first slot. */
function split(glyph: Glyph, characters: readonly string[]): Slot[] {
  const letters = characters.filter((character) => !mark.test(character)).length || 1
  const each = Math.floor(glyph.width / letters)
  let left = glyph.width
  return characters.map((text, i) => {
    const isFirst = i === 0
    const isLast = i === characters.length - 1
    const width = isLast ? left : mark.test(text) ? 0 : Math.min(each, left)
    left -= width
    const correction = isLast ? glyph.advance - glyph.width - glyph.dx : 0
    return {
      id: isFirst ? glyph.id : undefined,
      text,
      width,
      dx: isFirst ? glyph.dx : 0,
      dy: glyph.dy,
      advance: width + correction + (isFirst ? glyph.dx : 0),
    }
  })
}
