import { PAGE_MAX_ITEMS } from '@accepted/contract'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { invalidInput, type ProblemError } from './problem.ts'

/** Which page of a list a query asks for. @param limit what `limit` says, in words */
export function pageQuery(limit: string) {
  return {
    limit: Type.Integer({ minimum: 1, maximum: PAGE_MAX_ITEMS, default: 50, description: limit }),
    cursor: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]*$',
        maxLength: 200,
        description: 'From the link to the next page; opaque',
      }),
    ),
  }
}

/** The query of a request, but with another cursor. */
export function nextQuery(request: FastifyRequest, cursor: string): string {
  const query = new URLSearchParams(request.url.split('?')[1] ?? '')
  query.set('cursor', cursor)
  return `?${query}`
}

/** The cursor of a place in a list. @param place ASCII */
export function cursorOf(place: string): string {
  return Buffer.from(place).toString('base64url')
}

/**
 * The place that a cursor leads to.
 *
 * @param read the place of a text; undefined if it is none
 * @throws {ProblemError} `invalid_input`
 */
export function placeOf<Place>(cursor: string, read: (text: string) => Place | undefined): Place {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  const place = cursorOf(text) === cursor ? read(text) : undefined
  if (!place) throw notACursor()
  return place
}

export function notACursor(): ProblemError {
  return invalidInput([{ query: 'cursor', detail: 'is not a cursor of this list' }])
}
