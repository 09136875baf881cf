import { createHash } from 'node:crypto'
import { FieldValue } from '@accepted/contract'
import { type InstallationKeys, Remembered, SECRETS_REMEMBERED_MS } from '@accepted/core'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { OPEN } from '../auth/access.ts'
import { emptyResponse, problemResponses, response, STORE_PROBLEMS } from '../responses.ts'
import { namesTag } from '../task-styles.ts'

/** Far less than the overlap of a rotation, in which callbacks are signed with the old key too. */
const CACHED_SECONDS = 300

const Jwks = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.Literal('OKP'),
      crv: Type.Literal('Ed25519'),
      x: Type.String({
        pattern: '^[A-Za-z0-9_-]{43}$',
        maxLength: 43,
        description:
          'The key: 32 bytes in base64url. In base64 and after `whpk_` it is the form of Standard Webhooks',
      }),
      kid: Type.String({
        pattern: '^[A-Za-z0-9_-]{43}$',
        maxLength: 43,
        description: 'Its thumbprint (RFC 7638)',
      }),
      use: Type.Literal('sig'),
      alg: Type.Literal('EdDSA'),
    }),
    {
      maxItems: 2,
      description: 'Newest first; two during a rotation; none if this installation sends no callbacks',
    },
  ),
})
const EXAMPLE = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      use: 'sig',
      alg: 'EdDSA',
    },
  ],
}

/**
 * `GET /.well-known/jwks.json`.
 *
 * @param keys undefined if there is nothing to seal them with
 */
export function jwksRoutes(app: FastifyInstance, keys: InstallationKeys | undefined): void {
  const document = new Remembered({
    fetch: async () => {
      const jwks = (await keys?.all())?.map(({ publicJwk }) => publicJwk) ?? []
      const body = { keys: jwks }
      const etag = `"${createHash('sha256').update(JSON.stringify(body)).digest('base64url').slice(0, 27)}"`
      return { body, etag }
    },
    forMs: SECRETS_REMEMBERED_MS,
    most: 1,
  })

  app.get(
    '/.well-known/jwks.json',
    {
      config: { access: OPEN },
      schema: {
        operationId: 'jwks.read',
        summary: 'The public keys of callbacks',
        description:
          'A JWK Set (RFC 7517, RFC 8037). Any `v1a` signature in `webhook-signature` is by one of these keys, over `webhook-id`, `webhook-timestamp` and the body, joined by dots.',
        tags: ['service'],
        headers: Type.Object({
          'if-none-match': Type.Optional(FieldValue('304 if it is still at this `ETag`')),
        }),
        response: {
          200: response('The keys', Jwks, ['ETag', 'Cache-Control'], { example: EXAMPLE }),
          304: emptyResponse('They have not changed', ['ETag', 'Cache-Control']),
          ...problemResponses(...STORE_PROBLEMS),
        },
      },
    },
    async (request, reply) => {
      const { body, etag } = await document.get('jwks')
      reply.headers({ etag, 'cache-control': `public, max-age=${CACHED_SECONDS}` })
      if (namesTag(request.headers['if-none-match'], etag)) return reply.code(304).send()
      return reply.send(body)
    },
  )
}
