import { type TStringOptions, Type } from 'typebox'

/** The same, or null. */
export const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** A UUIDv7 (RFC 9562), in lower case. */
export const Uuid7 = (description: string) =>
  Type.String({
    pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
    maxLength: 36,
    description,
    examples: ['0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'],
  })

/** RFC 3339, UTC, with milliseconds. */
export const Timestamp = (description: string) =>
  Type.String({
    format: 'date-time',
    pattern: '\\.\\d{3}Z$',
    maxLength: 24,
    description,
    examples: ['2026-11-21T10:00:00.000Z'],
  })

/** RFC 3339 as a request may have it: any offset, up to nanoseconds. */
export const Moment = (options: TStringOptions) =>
  Type.String({ format: 'date-time', maxLength: 35, ...options })

const LINE = '^[^\\u0000-\\u001f\\u007f-\\u009f]*$'
const TEXT = '^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$'

/** What is wrong with a value that does not match one of these patterns: words that go on from "it". */
export const PATTERN_WORDS: Record<string, string> = {
  [LINE]: 'must not contain control characters',
  [TEXT]: 'must not contain control characters but tabs and line breaks',
}

/** Most characters of a text that is written for callers. */
export const TEXT_MAX_CHARACTERS = 2_000

/** A text of one line: a name. It has no control characters. */
export const Line = (options: TStringOptions & { maxLength: number }) =>
  Type.String({ pattern: LINE, ...options })

/** A text that may have several lines: of control characters it has tabs and line breaks only. */
export const Text = (options: TStringOptions) =>
  Type.String({
    pattern: TEXT,
    maxLength: TEXT_MAX_CHARACTERS,
    ...options,
  })

/** A text as `Text` has it: what is no text in it is replaced, what is too long cut off. */
export function asText(text: string): string {
  return text
    .slice(0, TEXT_MAX_CHARACTERS)
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n\r]/gu, '\ufffd')
}

/** More than a URL has that leads here: the head of a request, of 16 kB, with all of it escaped, after our own address. */
const URL_MAX_CHARACTERS = 65_536

/** A URL; `uri-reference`: a path of this API. */
export const Url = (format: 'uri' | 'uri-reference', description: string) =>
  Type.String({ format, maxLength: URL_MAX_CHARACTERS, description })

/** More than a header field can have: the head of a request has at most so many bytes. */
const HEAD_MAX_BYTES = 16_384

/** The value of a header field, as HTTP lets it through (RFC 9110 §5.5). */
export const FieldValue = (description: string, maxLength = HEAD_MAX_BYTES) =>
  Type.String({ pattern: '^[\\t\\u0020-\\u007e\\u0080-\\u00ff]*$', maxLength, description })

/** A stable word of lower-case letters, digits and underscores. */
export const Slug = (description: string) =>
  Type.String({ pattern: '^[a-z][a-z0-9_]*$', maxLength: 64, description })

/** A number of things: as large as JSON tells whole numbers exactly (RFC 8259 §6). */
export const Count = (description: string, minimum = 0) =>
  Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER, description })
