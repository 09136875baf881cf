import { SCRIPT_SOURCES, type ScriptName } from '../store/scripts.ts'

/** The formats that a program knows: the newest that it reads, and the one that it writes. */
export interface Formats {
  read: number
  written: number
}

/** A script of a program that knows these formats. @throws {Error} if it says nothing of formats */
export function withFormats(source: string, { read, written }: Formats): string {
  return replaced(
    source,
    /local FORMAT_READ, FORMAT_WRITTEN = \d+, \d+/,
    `local FORMAT_READ, FORMAT_WRITTEN = ${read}, ${written}`,
  )
}

/** The scripts of a program that knows these formats and is otherwise like this one. */
export function scriptsOfFormats(formats: Formats): Map<ScriptName, string> {
  return new Map([...SCRIPT_SOURCES].map(([name, source]) => [name, withFormats(source, formats)]))
}

/**
 * The scripts of a newer program that knows these formats. It keeps more than this one: who made a task and a delivery (`made_by`),
 * who changed a task last (`changed_by`).
 */
export function newerScripts(formats: Formats): Map<ScriptName, string> {
  const sources = scriptsOfFormats(formats)
  const change = (name: ScriptName, pattern: RegExp, replacement: string) =>
    sources.set(name, replaced(sources.get(name)!, pattern, replacement))
  change('create', /(?='fixed', fixed,)/, "'made_by', 'newer', ")
  for (const [name, source] of sources) {
    if (source.includes('local function change(')) {
      change(name, /(?=fields\.version, fields\.updated =)/, "fields.changed_by = 'newer' ")
    }
    if (source.includes('local function write_event(')) {
      change(name, /(?='task', id, 'event', event,)/, "'made_by', 'newer', ")
    }
  }
  return sources
}

/** The scripts of the release that knows neither caps nor weights of tenants, and of flows that are held nothing. */
export function scriptsWithoutCaps(): Map<ScriptName, string> {
  const knows: [RegExp, string][] = [
    [/limits_set\(flow\)\.cap or lane_cap\(lane\)/, 'math.huge'],
    [/there = redis\.call\('EXISTS', LIMITS\) == 1/, 'there = false'],
    [/redis\.call\('ZADD', P \.\. 'held:' \.\. lane, now_text, flow\)/, ''],
    [/redis\.call\('ZADD', P \.\. 'served:' \.\. lane, at(?: \+ turn)?, flow\)/g, 'local _'],
    [/redis\.call\('ZREM', P \.\. 'held:' \.\. lane, flow\) == 1/, 'false'],
    [/redis\.call\('ZREM', P \.\. 'held:' \.\. lane, flow\)/g, 'local _'],
    [/(?<=local function (?:turns_tended|held_let_go)\(lane\)\n)/g, '  if true then return end\n'],
  ]
  return new Map(
    [...SCRIPT_SOURCES].map(([name, source]) => {
      if (!source.includes('local function flow_cap(')) return [name, source]
      return [name, knows.reduce((text, [pattern, then]) => replaced(text, pattern, then), source)]
    }),
  )
}

/** The scripts of a program whose lanes are plain queues: the tasks of all tenants wait in one flow. */
export function scriptsOfPlainQueue(): Map<ScriptName, string> {
  const patterns: [RegExp, string][] = [
    [/'flow', tenant, 'status', 'pending'/, "'flow', 'all', 'status', 'pending'"],
    [/enqueue\(id, lane_name, tenant, /, "enqueue(id, lane_name, 'all', "],
    [
      /place_in\(lane_name, tenant, redis\.call\('ZRANK', flow_key\(lane_name, tenant\), id\)\)/,
      'lane.waiting',
    ],
  ]
  const plain = patterns.reduce(
    (text, [pattern, then]) => replaced(text, pattern, then),
    SCRIPT_SOURCES.get('create')!,
  )
  return new Map(SCRIPT_SOURCES).set('create', plain)
}

function replaced(source: string, pattern: RegExp, replacement: string): string {
  if (source.search(pattern) < 0) throw new Error(`a script has no ${pattern}`)
  return source.replace(pattern, replacement)
}
