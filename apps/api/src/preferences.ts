/** What a request prefers (RFC 7240), as far as this API knows it. What it does not know or cannot read is ignored. */
export interface Preferences {
  respondAsync: boolean
  taskStyle?: string
  /** How long the answer may be held back, 1…60 s; absent: not at all. */
  waitSeconds?: number
}

/** Longer waits count as this: proxies cut off what is silent for longer. */
const LONGEST_WAIT_SECONDS = 60

const NONE: Preferences = { respondAsync: false }

/** name, `=` with a token or quoted value; its parameters, if any, are passed over. No two runs of space meet: that would take the square of their length. */
const PREFERENCE =
  /^([\w!#$%&'*+.^`|~-]+)(?:\s*=(?:\s*(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]+)))?)?\s*(?:;.*)?$/

/** Reads the `Prefer` field; of a preference that is named twice, the first counts. */
export function readPreferences(field: string | undefined): Preferences {
  if (field === undefined) return NONE
  const named = new Map<string, string>()
  for (const part of splitOutsideQuotes(field)) {
    const match = PREFERENCE.exec(part.trim())
    if (!match) continue
    const name = match[1]!.toLowerCase()
    if (!named.has(name)) named.set(name, match[2] ?? match[3] ?? '')
  }
  const taskStyle = named.get('task-style')
  const waitSeconds = secondsOf(named.get('wait'))
  return {
    respondAsync: named.has('respond-async'),
    ...(taskStyle === undefined ? {} : { taskStyle }),
    ...(waitSeconds === 0 ? {} : { waitSeconds }),
  }
}

/** `Preference-Applied` for those that were honoured; no field if none was. */
export function preferenceApplied(
  taskStyle: string | undefined,
  { respondAsync, waitSeconds }: Partial<Preferences>,
): Record<string, string> {
  const honoured = [
    ...(respondAsync ? ['respond-async'] : []),
    ...(taskStyle ? [taskStyle] : []),
    ...(waitSeconds ? [`wait=${waitSeconds}`] : []),
  ]
  return honoured.length > 0 ? { 'preference-applied': honoured.join(', ') } : {}
}

/** 0 for what is no number of seconds (RFC 9110: digits only). */
function secondsOf(value: string | undefined): number {
  return /^\d+$/.test(value ?? '') ? Math.min(Number(value), LONGEST_WAIT_SECONDS) : 0
}

function splitOutsideQuotes(field: string): string[] {
  return field.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
}
