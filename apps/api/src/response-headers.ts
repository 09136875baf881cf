/** A header field: the schema of its value and what it tells. */
export interface HeaderDescription {
  type: 'string' | 'integer'
  description: string
  [keyword: string]: unknown
}

/** Marks a header field that every such answer has; `openapi` makes it OpenAPI's own `required`. */
export const ALWAYS_SENT = 'x-always-sent'

/** More than a URL has that leads here, with all of it escaped. */
const MOST_CHARACTERS = 65_536

/** Every response header field that this API sends, by its name. */
const HEADERS = {
  'X-Request-Id': {
    type: 'string',
    pattern: '^[A-Za-z0-9._-]{1,128}$',
    maxLength: 128,
    description: "Names this request in the logs; the caller's own if it sent one",
    examples: ['5f0c9b3a-3f6e-4f7e-9d8e-0c1f0a7f2b11'],
  },
  Location: {
    type: 'string',
    format: 'uri-reference',
    maxLength: MOST_CHARACTERS,
    description: 'Where to go on: the task, or the resource that it made',
    examples: ['/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'],
  },
  'Operation-Location': {
    type: 'string',
    format: 'uri',
    maxLength: MOST_CHARACTERS,
    description: 'The task in the `operation` style; absolute',
  },
  'Content-Location': {
    type: 'string',
    format: 'uri-reference',
    maxLength: MOST_CHARACTERS,
    description: 'The task that the body describes',
  },
  'Retry-After': {
    type: 'integer',
    minimum: 1,
    maximum: 86_400,
    description: 'Seconds to wait before asking again; adaptive',
    examples: [3],
  },
  Wait: {
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'The same estimate as `Retry-After` before its lower bound: may be 0',
    examples: [3],
  },
  ETag: {
    type: 'string',
    pattern: '^(W/)?"[^"]*"$',
    maxLength: 100,
    description: 'What is shown; of a task its version and style',
    examples: ['W/"7-monitor"'],
  },
  'Cache-Control': {
    type: 'string',
    pattern: '^[a-z-]+(=\\d+)?(, [a-z-]+(=\\d+)?)*$',
    maxLength: 100,
    description: 'How it may be kept',
    examples: ['private, no-cache'],
  },
  Vary: {
    type: 'string',
    pattern: '^[A-Za-z-]+(, [A-Za-z-]+)*$',
    maxLength: 100,
    description: 'The request fields that the answer depends on',
    examples: ['Prefer, Accept'],
  },
  Sunset: {
    type: 'string',
    pattern: '^[A-Z][a-z]{2}, \\d{2} [A-Z][a-z]{2} \\d{4} \\d{2}:\\d{2}:\\d{2} GMT$',
    maxLength: 29,
    description: 'From when on the task answers 410 (RFC 8594); told once that is known',
    examples: ['Sat, 21 Nov 2026 10:00:00 GMT'],
  },
  Link: {
    type: 'string',
    pattern: '^<[^>]*>; rel="[a-z]+"',
    maxLength: MOST_CHARACTERS,
    description: 'Web links (RFC 8288): `self`, or `next`, the next page of a list',
    examples: ['</tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b>; rel="self"'],
  },
  'Preference-Applied': {
    type: 'string',
    pattern: '^[a-z-]+(=[a-z0-9-]+)?(, [a-z-]+(=[a-z0-9-]+)?)*$',
    maxLength: 200,
    description: 'The preferences that were honoured (RFC 7240)',
    examples: ['task-style=created'],
  },
  Allow: {
    type: 'string',
    pattern: '^[A-Z]+(, [A-Z]+)*$',
    maxLength: 100,
    description: 'The methods that the resource has',
    examples: ['GET, HEAD, POST'],
  },
  'Accept-Ranges': { type: 'string', enum: ['bytes'], description: 'That ranges may be asked for' },
  'Content-Range': {
    type: 'string',
    pattern: '^bytes (\\d+-\\d+|\\*)/\\d+$',
    maxLength: 60,
    description: 'Which bytes these are, and of how many',
    examples: ['bytes 0-1023/48213'],
  },
  'X-Accel-Buffering': {
    type: 'string',
    enum: ['no'],
    description: 'That a proxy should hand on what it gets at once',
  },
  'Content-Length': {
    type: 'integer',
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Size in bytes',
  },
  'Content-Disposition': {
    type: 'string',
    pattern: '^attachment; filename="[^"]+"$',
    maxLength: 200,
    description: 'The name to save it under',
    examples: ['attachment; filename="orders-2021-10-01-to-2021-11-01.pdf"'],
  },
  'RateLimit-Policy': {
    type: 'string',
    pattern: '^"requests";q=\\d+;w=\\d+$',
    maxLength: 60,
    description:
      'What your tenant may send (draft-ietf-httpapi-ratelimit-headers): so many requests (`q`) at once after a pause, which is over after as many seconds (`w`) as it then takes to have all of them again',
    examples: ['"requests";q=5000;w=5'],
  },
  RateLimit: {
    type: 'string',
    pattern: '^"requests";r=\\d+;t=\\d+$',
    maxLength: 60,
    description:
      'How many requests are left at once (`r`), and in how many seconds there are all of them again (`t`)',
    examples: ['"requests";r=4990;t=1'],
  },
  'WWW-Authenticate': {
    type: 'string',
    pattern: '^Bearer realm="accepted"(, [a-z_]+="[^"]*")*$',
    maxLength: 1000,
    description: 'What the request lacks (RFC 6750)',
    examples: ['Bearer realm="accepted", error="insufficient_scope", scope="tasks:write"'],
  },
  'Content-Security-Policy': {
    type: 'string',
    pattern: "^default-src 'none'; ",
    maxLength: 1000,
    description: 'What the page may load: nothing, but for its own style',
  },
  'Referrer-Policy': {
    type: 'string',
    enum: ['no-referrer'],
    description: 'That links tell nobody of the page',
  },
  'X-Frame-Options': { type: 'string', enum: ['DENY'], description: 'That no page frames it' },
  'Cross-Origin-Opener-Policy': {
    type: 'string',
    enum: ['same-origin'],
    description: 'That it shares its window with pages of this service only',
  },
  'Permissions-Policy': {
    type: 'string',
    pattern: '^[a-z-]+=\\(\\)(, [a-z-]+=\\(\\))*$',
    maxLength: 500,
    description: 'What the page may not use',
  },
  'X-Content-Type-Options': {
    type: 'string',
    enum: ['nosniff'],
    description: 'That it is what `Content-Type` says',
  },
  'Cross-Origin-Resource-Policy': {
    type: 'string',
    enum: ['same-origin'],
    description: 'That pages of others do not include it; CORS is another matter',
  },
  'Strict-Transport-Security': {
    type: 'string',
    pattern: '^max-age=\\d+$',
    maxLength: 30,
    description: 'That the service is to be asked by https only (RFC 6797), if that is its public address',
  },
  'Access-Control-Allow-Origin': {
    type: 'string',
    format: 'uri',
    maxLength: 300,
    description: 'The origin of the page that asks, if the installation names it (CORS)',
  },
  'Access-Control-Expose-Headers': {
    type: 'string',
    pattern: '^[A-Za-z-]+(, [A-Za-z-]+)*$',
    maxLength: 1000,
    description: 'Which of these fields the page may read (CORS)',
  },
} as const satisfies Record<string, HeaderDescription>
type HeaderName = keyof typeof HEADERS

/** A header field that an answer has; with `?` one that it may have. */
export type HeaderUse = HeaderName | `${HeaderName}?`

/** The header fields that every answer has, or may have. */
const EVERYWHERE = [
  'X-Request-Id',
  'X-Content-Type-Options',
  'Cross-Origin-Resource-Policy',
  'Cache-Control',
  'Strict-Transport-Security?',
  'Vary?',
  'Access-Control-Allow-Origin?',
  'Access-Control-Expose-Headers?',
] as const satisfies HeaderUse[]

/** What only browsers and proxies read, and what the Fetch standard lets any page read. */
const NOT_FOR_PAGES: readonly HeaderName[] = [
  'Cache-Control',
  'Content-Length',
  'Vary',
  'X-Accel-Buffering',
  'Content-Security-Policy',
  'Referrer-Policy',
  'X-Frame-Options',
  'Cross-Origin-Opener-Policy',
  'Permissions-Policy',
  'X-Content-Type-Options',
  'Cross-Origin-Resource-Policy',
  'Strict-Transport-Security',
  'Access-Control-Allow-Origin',
  'Access-Control-Expose-Headers',
]

/** What a page of another origin may read, besides what the Fetch standard lets it read anyway. */
export const EXPOSED_HEADERS = (Object.keys(HEADERS) as HeaderName[]).filter(
  (name) => !NOT_FOR_PAGES.includes(name),
)

/** The header fields that an answer has besides those that all have. */
export function headers(uses: readonly HeaderUse[]): Record<string, HeaderDescription> {
  return Object.fromEntries(
    [...EVERYWHERE, ...uses].map((use) => {
      const name = use.replace('?', '') as HeaderName
      return [name, use === name ? { ...HEADERS[name], [ALWAYS_SENT]: true } : HEADERS[name]]
    }),
  )
}
