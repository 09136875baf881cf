import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { onTestFinished } from 'vitest'

/** An OpenID Connect issuer on loopback; gone when the test is over. */
export async function startTestIssuer() {
  const published: JWK[] = []
  let asked = 0
  let named: string | undefined
  let place = '/keys'
  let keys: 'told' | 'fail' | 'hang' = 'told'
  const server = createServer((request, response) => {
    const url = `http://${request.headers.host}`
    const documents: Record<string, object> = {
      '/.well-known/openid-configuration': { issuer: named ?? url, jwks_uri: `${url}${place}` },
      [place]: { keys: published },
    }
    if (request.url === place) asked += 1
    const document = documents[request.url!]
    if (request.url === place && keys === 'hang') return
    const fails = request.url === place && keys === 'fail'
    response.writeHead(fails ? 500 : document ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? {}))
  })
  const listen = async (port = 0) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const close = async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  const port = await listen()
  const url = `http://127.0.0.1:${port}`
  onTestFinished(async () => {
    if (server.listening) await close()
  })
  return {
    url,
    /** How often its keys were asked for. */
    asked: () => asked,
    leave: close,
    comeBack: () => listen(port),
    /** Makes it tell its keys, answer 500 instead, or not answer. */
    makeKeys(be: typeof keys) {
      keys = be
    },
    /** Makes it have its keys elsewhere: where they were is nothing. */
    moveKeys(to: string) {
      place = to
    },
    /** Makes its configuration name another issuer. */
    rename(name: string) {
      named = name
    },
    /** Makes a key pair and publishes it, beside or instead of those before; what signs with it. */
    async rotate(alg = 'RS256', { instead = false } = {}) {
      const { privateKey, publicKey } = await generateKeyPair(alg)
      const kid = `key-${published.length}-${alg}`
      if (instead) published.length = 0
      published.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' })
      /** A token that is in order, but for what is changed. */
      return async (claims: JWTPayload = {}, header: { kid?: string } = {}) => {
        const now = Math.floor(Date.now() / 1000)
        const usual = { iss: url, aud: 'accepted', sub: 'somebody', iat: now, exp: now + 300 }
        const own = { tenant: 'north', scope: 'openid tasks:read tasks:write' }
        return new SignJWT({ ...usual, ...own, ...claims })
          .setProtectedHeader({ alg, kid, ...header })
          .sign(privateKey)
      }
    },
    published,
  }
}
