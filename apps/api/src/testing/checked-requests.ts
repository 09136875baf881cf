import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { OpenapiDocument } from './openapi-document.ts'
import { responseChecker } from './response-checker.ts'

/** The OpenAPI document of an API that listens. */
export async function fetchDocument(baseUrl: string): Promise<OpenapiDocument> {
  return (await (await fetch(new URL('/openapi.json', baseUrl))).json()) as OpenapiDocument
}

/**
 * `fetch` for tests of the API: every answer is checked against the document. Two differences: a path is enough of a URL,
 * and a redirection is not followed unless `redirect` says so, since the 303 is the answer.
 *
 * @throws {ResponseMismatch} if an answer is not as described; a stream of events is checked without its body
 */
export function checkedFetch(document: OpenapiDocument, baseUrl: string) {
  const check = responseChecker(document)
  return async (input: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(input, baseUrl)
    if (url.origin !== new URL(baseUrl).origin) throw new TypeError(`${url} is not of the API at ${baseUrl}`)
    const response = await fetch(url, { redirect: 'manual', ...init })
    const { status, headers } = response
    const streams = headers.get('content-type')?.startsWith('text/event-stream')
    check({
      method: response.redirected ? 'GET' : (init.method ?? 'GET'),
      path: new URL(response.url).pathname,
      status,
      headers,
      body: streams ? undefined : await response.clone().bytes(),
    })
    return response
  }
}

/**
 * `app.inject` for tests of the API: every answer is checked against the app's own document.
 *
 * @throws {ResponseMismatch} if an answer is not as described
 */
export async function checkedInject(app: FastifyInstance) {
  const check = responseChecker((await app.inject('/openapi.json')).json())
  return async (options: InjectOptions | string): Promise<LightMyRequestResponse> => {
    const response = await app.inject(options)
    const { statusCode: status, headers } = response
    const { method = 'GET', url, payloadAsStream } = typeof options === 'string' ? { url: options } : options
    const body = payloadAsStream ? undefined : response.rawPayload
    check({ method, path: String(url), status, headers, body })
    return response
  }
}
