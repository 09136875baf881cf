/**
 * Reads JSON text whoever wrote it. V8 of Node 24 and 26 misreads a member's name that is written with an escape if an object of the
 * same shape had a name with a backslash before (nodejs/node#63785): with `{"a":[],"\\":0}` read, `{"a":1,"\"":2}` has a member `\`.
 * So the text of one tenant would change what another's says.
 *
 * @returns members with the names `__proto__` or `constructor` are own ones, as of `JSON.parse`
 * @throws {SyntaxError} of `JSON.parse`
 */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  return hasEscapedNames(text) ? readByNumbers(text) : value
}

/** Whether a member's name is written with an escape, such as `"\u0061"`; of a text that is not JSON nothing is said. */
export function hasEscapedNames(text: string): boolean {
  if (!text.includes('\\')) return false
  for (const { from, to } of namesOf(text)) if (text.slice(from, to).includes('\\')) return true
  return false
}

/** Where a string is over whose opening quote is at `at`: behind its closing quote, or at the end of the text if it has none. */
export function stringEnd(text: string, at: number): number {
  const first = text.indexOf('"', at + 1)
  if (text.charCodeAt(first - 1) !== BACKSLASH) return first === -1 ? text.length : first + 1
  for (let end = at + 1; end < text.length; end += 1) {
    const char = text.charCodeAt(end)
    if (char === QUOTE) return end + 1
    if (char === BACKSLASH) end += 1
  }
  return text.length
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c] as const

/** The names of all members, with their quotes. */
function* namesOf(text: string): Generator<{ from: number; to: number }> {
  const colon = /[ \t\n\r]*:/y
  for (let from = text.indexOf('"'); from !== -1; from = text.indexOf('"', from)) {
    const to = stringEnd(text, from)
    colon.lastIndex = to
    if (colon.test(text)) yield { from, to }
    from = to
  }
}

/** Reads a text with all names numbered, then puts the names back. */
function readByNumbers(text: string): unknown {
  const names: string[] = []
  let numbered = ''
  let done = 0
  for (const { from, to } of namesOf(text)) {
    numbered += `${text.slice(done, from)}"_${names.length}"`
    names.push(JSON.parse(text.slice(from, to)) as string)
    done = to
  }
  return JSON.parse(numbered + text.slice(done), (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [names[Number(name.slice(1))], member]),
    )
  })
}
