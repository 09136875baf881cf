import {
  CALLBACK_EVENTS,
  type CallbackEvent,
  CallbackMembers,
  DEFAULT_CALLBACK_EVENTS,
  FieldValue,
  type InputFault,
} from '@accepted/contract'
import { compileCheck, parseCallbackUrl } from '@accepted/core'
import { type Static, Type } from 'typebox'

/** The same options as header fields, as the route's schema has them: for requests without a body. */
export const CallbackHeaders = Type.Object({
  'callback-url': Type.Optional(
    FieldValue('The same as the member `callback_url`, in ASCII: for requests without a JSON body'),
  ),
  'callback-events': Type.Optional(
    FieldValue(
      `The same as the member \`callback_events\`, separated by commas: ${CALLBACK_EVENTS.join(', ')}`,
    ),
  ),
})
type CallbackHeaders = Static<typeof CallbackHeaders>

/** Where a request has an option. */
type Place = Pick<InputFault, 'pointer' | 'header'>

/** What a request asks of callbacks: none, some that are yet to be permitted, or what cannot be. */
export type AskedCallback =
  | { outcome: 'none' }
  | { outcome: 'asked'; url: URL; events: readonly CallbackEvent[]; place: Place }
  | { outcome: 'faulty'; faults: InputFault[] }

/** An option as one place has it: without a value if that is faulty. */
interface Given<T> {
  place: Place
  value?: T
  faults: InputFault[]
}

/**
 * Reads the callback options of a request. What stands both in the body and in the header must be the same.
 *
 * @param members of the body
 */
export function readCallbackOptions(
  members: Record<string, unknown>,
  headers: CallbackHeaders,
): AskedCallback {
  const urls = [memberUrl(members), headerUrl(headers)].filter((given) => given !== undefined)
  const lists = [memberEvents(members), headerEvents(headers)].filter((given) => given !== undefined)
  const [target] = urls
  const [list] = lists
  const faults = [
    ...[...urls, ...lists].flatMap((given) => given.faults),
    ...contradiction(urls, ({ href }) => href),
    ...contradiction(lists, (events) => [...events].sort().join()),
    ...(list && !target ? [{ ...list.place, detail: 'needs a callback URL' }] : []),
  ]
  if (faults.length > 0) return { outcome: 'faulty', faults }
  if (!target) return { outcome: 'none' }
  const events = list?.value ?? DEFAULT_CALLBACK_EVENTS
  return { outcome: 'asked', url: target.value!, events, place: target.place }
}

const memberFaults = compileCheck(CallbackMembers)

function memberUrl({ callback_url: url }: Record<string, unknown>): Given<URL> | undefined {
  if (url === undefined) return undefined
  const place = { pointer: '#/callback_url' }
  const faults = memberFaultsOf({ callback_url: url })
  return faults.length > 0 ? { place, faults } : givenUrl(url as string, place)
}

function headerUrl({ 'callback-url': url }: CallbackHeaders): Given<URL> | undefined {
  if (url === undefined) return undefined
  const place = { header: 'callback-url' }
  // What fields have beyond that is in no certain encoding.
  return /[^\x20-\x7e]/.test(url) ? faulty(place, 'must be in ASCII') : givenUrl(url, place)
}

function givenUrl(text: string, place: Place): Given<URL> {
  const read = parseCallbackUrl(text)
  return read.outcome === 'url' ? { place, value: read.url, faults: [] } : faulty(place, read.detail)
}

function memberEvents({
  callback_events: events,
}: Record<string, unknown>): Given<CallbackEvent[]> | undefined {
  if (events === undefined) return undefined
  const place = { pointer: '#/callback_events' }
  const faults = memberFaultsOf({ callback_events: events })
  return faults.length > 0 ? { place, faults } : { place, value: distinct(events as CallbackEvent[]), faults }
}

function headerEvents({ 'callback-events': field }: CallbackHeaders): Given<CallbackEvent[]> | undefined {
  if (field === undefined) return undefined
  const place = { header: 'callback-events' }
  // Of a list, empty elements are none (RFC 9110 §5.6.1).
  const words = field.split(',').flatMap((word) => word.trim() || [])
  const known = words.filter((word) => (CALLBACK_EVENTS as readonly string[]).includes(word))
  if (known.length < words.length || known.length === 0)
    return faulty(place, `must be some of ${CALLBACK_EVENTS.join(', ')}, separated by commas`)
  return { place, value: distinct(known as CallbackEvent[]), faults: [] }
}

function distinct(events: CallbackEvent[]): CallbackEvent[] {
  return [...new Set(events)]
}

function memberFaultsOf(members: Record<string, unknown>): InputFault[] {
  return memberFaults(members).map(({ pointer, detail }) => ({ pointer: `#${pointer}`, detail }))
}

function faulty(place: Place, detail: string) {
  return { place, faults: [{ ...place, detail }] }
}

/** @param keyOf the same for values that say the same */
function contradiction<T>([one, other]: Given<T>[], keyOf: (value: T) => string): InputFault[] {
  if (one?.value === undefined || other?.value === undefined) return []
  if (keyOf(one.value) === keyOf(other.value)) return []
  return [{ ...other.place, detail: 'is not what the body says' }]
}
