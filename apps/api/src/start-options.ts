import { FieldValue, PRIORITY } from '@accepted/contract'
import { type Static, Type } from 'typebox'
import { CallbackHeaders } from './callbacks/callback-options.ts'
import { readPreferences } from './preferences.ts'
import { invalidInput } from './problem.ts'
import { isStyle, STYLES, type StyleName } from './task-styles.ts'

/** The request header fields that any starting request takes, as the route's schema has them. */
export const StartHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    FieldValue(
      'Makes a repetition safe: the same key and request answer with the same task for 24 h. 1–255 characters; quoted and bare forms are the same',
    ),
  ),
  'task-priority': Type.Integer({
    minimum: PRIORITY.highest,
    maximum: PRIORITY.lowest,
    default: PRIORITY.default,
    description: 'Order among your own waiting tasks of the lane; 0 first',
  }),
  'max-queue': Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 999_999_999_999_999,
      description: '503 at once if more than so many tasks wait in the lane',
    }),
  ),
  'cancel-after': Type.Optional(
    Type.String({
      pattern: '^[0-9]{1,9}(ms|s|m|h)$',
      maxLength: 11,
      description:
        'Cancels the task if it has not ended so long after it was accepted: a number and `ms`, `s`, `m` or `h`, 1 s to 24 h. Can only tighten what the operation itself allows',
      examples: ['90s'],
    }),
  ),
  ...CallbackHeaders.properties,
  prefer: Type.Optional(
    FieldValue(
      'RFC 7240: `respond-async`, `task-style=monitor|created|see-other|operation`; `wait=SECONDS` (up to 60): answer when the task has ended or awaits confirmation; others are ignored',
    ),
  ),
})
export type StartHeaders = Static<typeof StartHeaders>

/** The query of every route that answers with a task. */
export const StyleQuery = Type.Object({
  style: Type.Optional(
    Type.Enum([...STYLES], { description: 'The style of the answer; goes before `Prefer`' }),
  ),
})
export type StyleQuery = Static<typeof StyleQuery>

/** A style, and whether the request asked for it. */
export interface StyleChoice {
  style: StyleName
  /** What `Preference-Applied` says of it; undefined if it was not a preference. */
  applied: string | undefined
}

/** `?style=`, else the preference `task-style`, else `monitor`. */
export function chooseStyle(query: StyleQuery, prefer: string | undefined): StyleChoice {
  if (query.style) return { style: query.style, applied: undefined }
  const { taskStyle } = readPreferences(prefer)
  if (isStyle(taskStyle)) return { style: taskStyle, applied: `task-style=${taskStyle}` }
  return { style: 'monitor', applied: undefined }
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const CANCEL_AFTER_MS = { least: 1_000, most: 24 * UNITS_MS.h }

/**
 * What `Cancel-After` says, in ms.
 *
 * @param field as the schema allows it
 * @throws {ProblemError} `invalid_input`, unless it is 1 s … 24 h
 */
export function cancelAfterMs(field: string | undefined): number | undefined {
  if (field === undefined) return undefined
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(field)!
  const ms = Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]
  if (ms < CANCEL_AFTER_MS.least || ms > CANCEL_AFTER_MS.most) {
    throw invalidInput([{ header: 'cancel-after', detail: 'must be 1s to 24h' }])
  }
  return ms
}

/**
 * The key itself: a quoted form loses its quotes.
 *
 * @throws {ProblemError} `invalid_input`, unless it has 1…255 visible ASCII characters or spaces
 */
export function idempotencyKey(field: string | undefined): string | undefined {
  if (field === undefined) return undefined
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(field)
  const key = quoted ? quoted[1]!.replace(/\\(.)/g, '$1') : field
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    throw invalidInput([{ header: 'idempotency-key', detail: 'must have 1 to 255 visible ASCII characters' }])
  }
  return key
}
