import type { Random } from '@accepted/core/testing'

const TASK = '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'
const CAR = '{"brand":"Ford","make":"Mustang","model":2014,"color":"Blue"}'
const ORDER =
  '{"order_id":"A-1","ordered_at":"2021-10-03T10:00:00Z","customer":"Zoe","currency":"EUR","items":[{"sku":"X1","description":"Lamp","quantity":2,"unit_price":"9.50"}]}\n'
const JSON_TYPE = 'Content-Type: application/json'

interface Parts {
  line: string
  fields?: string[]
  body?: string
  chunked?: boolean
}

/** Requests that are in order; bodies get their length, or chunks. */
const REQUESTS: Parts[] = [
  { line: 'GET /healthz' },
  { line: 'GET /openapi.json' },
  { line: 'GET /docs/' },
  { line: 'GET /problems/gone' },
  { line: 'GET /tasks?limit=5&status=completed' },
  { line: `GET ${TASK}` },
  { line: `GET ${TASK}/events` },
  { line: 'GET http://a.example/cars?x=%20' },
  { line: 'GET /cars/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b', fields: ['Prefer: respond-async, wait=1'] },
  { line: 'GET /orders/reports/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b', fields: ['Range: bytes=0-5,7-9'] },
  { line: `DELETE ${TASK}` },
  { line: `POST ${TASK}/cancel`, fields: ['Content-Length: 0'] },
  { line: 'OPTIONS *' },
  { line: 'PROPFIND /cars' },
  { line: 'POST /cars', fields: [JSON_TYPE], body: CAR },
  { line: 'POST /cars', fields: [JSON_TYPE, 'Prefer: wait=1', 'Idempotency-Key: "k"'], body: CAR },
  {
    line: 'POST /cars',
    fields: [JSON_TYPE, 'Task-Priority: 3', 'Cancel-After: 90s', 'Max-Queue: 9'],
    body: CAR,
  },
  {
    line: 'POST /cars',
    fields: [JSON_TYPE, 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    body: CAR,
    chunked: true,
  },
  { line: 'POST /cars', fields: [JSON_TYPE, 'Expect: 100-continue'], body: CAR },
  {
    line: 'POST /orders',
    fields: ['Content-Type: application/x-ndjson'],
    body: ORDER.repeat(3),
    chunked: true,
  },
  {
    line: 'POST /orders/reports',
    fields: [JSON_TYPE],
    body: '{"start_date":"2021-10-01","end_date":"2021-11-01"}',
  },
  {
    line: 'POST /deliveries/redeliver',
    fields: [JSON_TYPE],
    body: '{"since":"2021-10-01T00:00:00Z","until":"2021-10-02T00:00:00Z","status":"failed"}',
  },
]

/** Bytes that are no request, or two, or nobody can tell. */
export const CRAFTED = [
  '',
  '\r\n\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03',
  '\x04\x01\0P\x7f\0\0\x01\0',
  '*1\r\n$4\r\nPING\r\n',
  'CONNECT a.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  'GET /healthz\r\n',
  'GET /healthz HTTP/1.0\r\n\r\n',
  'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\nGET /tasks HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'POST /cars HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG',
  'POST /cars HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n',
  'POST /cars HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{',
  'POST /cars HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n{',
  'GET /tasks HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n',
  `GET /tasks HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(2_500)}\r\n`,
  `GET /${'a'.repeat(15_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(200),
  `GET ${TASK} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=1\r\n\r\nnonsense\r\n\r\n`,
]

/** A request that is in order. @param key which some carry */
export function requestOf(random: Random, key?: string): Buffer {
  const { line, fields = [], body, chunked } = REQUESTS[Math.floor(random() * REQUESTS.length)]!
  const credential = key && random() < 0.8 ? [`Authorization: Bearer ${key}`] : []
  const length = chunked ? ['Transfer-Encoding: chunked'] : body ? [`Content-Length: ${body.length}`] : []
  const head = [`${line} HTTP/1.1`, 'Host: localhost', ...credential, ...fields, ...length].join('\r\n')
  const content = chunked ? `${body!.length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : (body ?? '')
  return Buffer.from(`${head}\r\n\r\n${content}`, 'latin1')
}
