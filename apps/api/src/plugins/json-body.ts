import { isUtf8 } from 'node:buffer'
import type { FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { parse } from 'secure-json-parse'
import { ProblemError } from '../problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent; '' if there was none. */
    bodyText: string
  }
}

/** Deeper nesting than any schema of ours has is an attack or a mistake. */
const DEEPEST = 64

/** Reads JSON bodies: UTF-8, no deeper than `DEEPEST`, without `__proto__`; the text is kept beside the value. */
export const jsonBody = plugin(
  async (app) => {
    app.decorateRequest('bodyText', '')
    app.removeAllContentTypeParsers()
    // `curl -d ''` names a type for the body that it does not send.
    app.addHook('onRequest', (request, _reply, next) => {
      const { headers } = request
      if (headers['content-length'] === '0' && !request.routeOptions.schema?.body)
        delete headers['content-type']
      next()
    })
    app.addContentTypeParser(
      /^application\/(json|[\w.+-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i,
      { parseAs: 'buffer' },
      async (request: FastifyRequest, body: Buffer) => {
        const text = decodeUtf8(body)
        // Some clients name a type even where there is no body to have it.
        if (text === '' && !request.routeOptions.schema?.body) return undefined
        const value = parseJson(text)
        request.bodyText = text
        return value
      },
    )
  },
  { name: 'json-body' },
)

/** @throws {ProblemError} `malformed_json` */
export function decodeUtf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new ProblemError('malformed_json', 'The body is not valid UTF-8.')
  // A byte order mark is no part of the text (RFC 8259 §8.1 lets a reader pass over it).
  return bytes.toString().replace(/^\uFEFF/, '')
}

/** @throws {ProblemError} `malformed_json`, saying what is wrong and where */
export function parseJson(text: string, subject = 'The body'): unknown {
  if (text.trim() === '') throw new ProblemError('malformed_json', `${subject} is empty.`)
  const deep = tooDeepAt(text)
  if (deep !== undefined) {
    throw new ProblemError(
      'malformed_json',
      `${subject} nests deeper than ${DEEPEST} levels at character ${deep}.`,
    )
  }
  try {
    return parse(text)
  } catch (cause) {
    throw new ProblemError('malformed_json', `${subject} is not JSON: ${(cause as Error).message}.`, {
      cause,
    })
  }
}

/** The character at which arrays and objects nest too deep, if they do. */
function tooDeepAt(text: string): number | undefined {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (inString) {
      if (char === 0x5c) at += 1
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      depth += 1
      if (depth > DEEPEST) return at
    } else if (char === 0x7d || char === 0x5d) depth -= 1
  }
  return undefined
}
