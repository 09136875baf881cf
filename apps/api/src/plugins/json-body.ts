import type { FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { decodeUtf8, parseJson } from '../json-text.ts'
import { unsupportedMediaType } from '../problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent; '' if there was none. */
    bodyText: string
  }
}

/** Reads JSON bodies; the text is kept beside the value. */
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
        refuseUndescribed(request)
        request.bodyBytes = body.length
        // Some clients send one where nobody reads it.
        if (!request.routeOptions.schema?.body) return undefined
        const text = decodeUtf8(body)
        const value = parseJson(text)
        request.bodyText = text
        return value
      },
    )
  },
  { name: 'json-body' },
)

/**
 * A route that has a schema for each media type would take a body of another one, such as `application/vnd.x+json`, without a check.
 *
 * @throws {ProblemError} `unsupported_media_type`
 */
function refuseUndescribed({ routeOptions, headers }: FastifyRequest): void {
  const { content } = (routeOptions.schema?.body ?? {}) as { content?: Record<string, object> }
  const type = headers['content-type']!.split(';')[0]!.trim().toLowerCase()
  if (content && !Object.hasOwn(content, type)) throw unsupportedMediaType(type)
}
