/** What a request prefers (RFC 7240), as far as this API knows it. What it does not know or cannot read is ignored. */
export interface Preferences {
  respondAsync: boolean
  taskStyle?: string
}

const NONE: Preferences = { respondAsync: false }

/** name, `=` with a token or quoted value; its parameters, if any, are passed over. */
const PREFERENCE =
  /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]+)))?\s*(?:;.*)?$/

/** Reads the `Prefer` field; of a preference that is named twice, the first counts. */
export function readPreferences(field: string | undefined): Preferences {
  if (field === undefined) return NONE
  const named = new Map<string, string>()
  for (const part of splitOutsideQuotes(field)) {
    const match = PREFERENCE.exec(part)
    if (!match) continue
    const name = match[1]!.toLowerCase()
    if (!named.has(name)) named.set(name, match[2] ?? match[3] ?? '')
  }
  const taskStyle = named.get('task-style')
  return { respondAsync: named.has('respond-async'), ...(taskStyle === undefined ? {} : { taskStyle }) }
}

function splitOutsideQuotes(field: string): string[] {
  return field.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
}
