import { stringEnd } from '@accepted/core'

/**
 * JSON text of an object without some of its members; all else stays as it is, to the letter. A member goes as often as it is
 * there, however its name is written (`"\u0061"` is `"a"`).
 *
 * @param text of an object, valid
 */
export function cutMembers(text: string, names: readonly string[]): string {
  const { first, end, members } = membersOf(text)
  const kept = members.filter(({ name }) => name === undefined || !names.includes(name))
  return text.slice(0, first) + kept.map((member) => member.text).join() + text.slice(end)
}

interface Member {
  /** Undefined: an object without members has the space between its braces. */
  name: string | undefined
  /** From the brace or comma before it to the one after it. */
  text: string
}

/** The members of an object, as they are written, and where they begin and end in its text. */
function membersOf(text: string): { first: number; end: number; members: Member[] } {
  const first = text.indexOf('{') + 1
  const members: Member[] = []
  let depth = 1
  let from = first
  let name: string | undefined
  for (let at = first; ; at += 1) {
    const char = text[at]
    if (char === '"') {
      const end = stringEnd(text, at)
      if (depth === 1) name ??= JSON.parse(text.slice(at, end)) as string
      at = end - 1
    } else if (char === '{' || char === '[') depth += 1
    else if (char === '}' || char === ']') depth -= 1
    const over = depth === 0
    if (!over && !(char === ',' && depth === 1)) continue
    members.push({ name, text: text.slice(from, at) })
    if (over) return { first, end: at, members }
    from = at + 1
    name = undefined
  }
}
