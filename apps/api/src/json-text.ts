import { isUtf8 } from 'node:buffer'
import { hasEscapedNames, readJson, stringEnd } from '@accepted/core'
import { parse, scan } from 'secure-json-parse'
import { ProblemError } from './problem.ts'

/** More than any schema of ours has is an attack or a mistake. */
const DEEPEST = 64
/** Members, items, objects and arrays in all. To read and check a megabyte of `{}` took 1.1 s, in which nobody else is served. */
const MOST_VALUES = 10_000
/** Nobody counts so far. */
const LONGEST_NUMBER = 100

/** @throws {ProblemError} `malformed_json` */
export function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ProblemError('malformed_json', 'The body is not valid UTF-8.')
  // A byte order mark is no part of the text (RFC 8259 §8.1 lets a reader pass over it).
  return bytes.toString().replace(/^\uFEFF/, '')
}

/**
 * Reads JSON as I-JSON has it (RFC 7493): no member twice, no halves of surrogate pairs; within the limits above, and without members
 * that would change a prototype.
 *
 * @throws {ProblemError} `malformed_json`, saying what is wrong and, if it is in the text, where
 */
export function parseJson(text: string, subject = 'The body'): unknown {
  const refuse = (why: string, cause?: unknown) =>
    new ProblemError('malformed_json', `${subject} ${why}.`, { cause })
  if (text.trim() === '') throw refuse('is empty')
  // The parser would pass over it, and nobody else who reads the text.
  if (text.startsWith('\uFEFF')) throw refuse('is not JSON: it begins with a byte order mark')
  const { fault, members } = measure(text)
  if (fault) throw refuse(fault)
  let value: unknown
  try {
    value = hasEscapedNames(text) ? scan(readJson(text) as object) : parse(text)
  } catch (cause) {
    throw refuse(`is not JSON: ${(cause as Error).message}`, cause)
  }
  const found = { members: 0, wellFormed: true }
  look(value, found)
  if (found.members < members) throw refuse('has an object with two members of the same name')
  if (!found.wellFormed)
    throw refuse('has half of a surrogate pair (\\ud800 to \\udfff), which is no character')
  return value
}

/** What is too much in a text, in words, before it is read; and how many members its objects have, if it is JSON. */
function measure(text: string): { fault?: string; members: number } {
  let depth = 0
  let values = 0
  let members = 0
  let digits = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char >= DIGIT_0 && char <= DIGIT_9) {
      digits += 1
      if (digits > LONGEST_NUMBER)
        return { fault: `has a number of more than ${LONGEST_NUMBER} digits at character ${at}`, members }
      continue
    }
    digits = 0
    switch (char) {
      case QUOTE:
        at = stringEnd(text, at) - 1
        break
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth += 1
        values += 1
        if (depth > DEEPEST)
          return { fault: `nests deeper than ${DEEPEST} levels at character ${at}`, members }
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        depth -= 1
        break
      case COLON:
        members += 1
        break
      case COMMA:
        values += 1
    }
    if (values > MOST_VALUES)
      return {
        fault: `has more than ${MOST_VALUES} members, items, objects and arrays at character ${at}`,
        members,
      }
  }
  return { members }
}

const [QUOTE, COMMA, COLON, DIGIT_0, DIGIT_9] = [0x22, 0x2c, 0x3a, 0x30, 0x39] as const
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const

/** Counts the members of all objects in a value, and looks whether its strings are of whole characters. */
function look(value: unknown, found: { members: number; wellFormed: boolean }): void {
  if (typeof value === 'string') found.wellFormed &&= value.isWellFormed()
  else if (Array.isArray(value)) for (const item of value) look(item, found)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      found.members += 1
      found.wellFormed &&= name.isWellFormed()
      look(member, found)
    }
  }
}
