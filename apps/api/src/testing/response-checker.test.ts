import { expect, test } from 'vitest'
import type { OpenapiDocument } from './openapi-document.ts'
import { ResponseMismatch, responseChecker, type SeenResponse } from './response-checker.ts'

const json = (schema: object) => ({ 'application/json': { schema } })

const document: OpenapiDocument = {
  openapi: '3.1.0',
  paths: {
    '/things': {
      get: {
        operationId: 'listThings',
        responses: { 200: { description: 'All', content: json({ type: 'array', items: ref('Thing') }) } },
      },
    },
    '/things/{id}': {
      get: {
        operationId: 'getThing',
        responses: {
          200: {
            description: 'One',
            headers: {
              ETag: { required: true, schema: { type: 'string', pattern: '^"' } },
              'Retry-After': { schema: { type: 'integer', minimum: 1 } },
            },
            content: json({ anyOf: [ref('Thing'), { type: 'null' }] }),
          },
          204: { description: 'None' },
          404: { $ref: '#/components/responses/Missing' },
          405: { description: 'No such method', content: json({}) },
        },
      },
    },
    '/things/first': {
      get: { operationId: 'getFirst', responses: { 202: { description: 'Later', content: json({}) } } },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string' }, part: ref('Thing'), free: {} },
      },
    },
    responses: {
      Missing: { description: 'Missing', content: { 'application/problem+json': { schema: {} } } },
    },
  },
}

function ref(name: string) {
  return { $ref: `#/components/schemas/${name}` }
}

const check = responseChecker(document)
const thing: SeenResponse = {
  method: 'GET',
  path: '/things/7?x=/y',
  status: 200,
  headers: { etag: '"1"', 'content-type': 'application/json; charset=utf-8', date: 'today' },
  body: '{"name":"lamp","free":{"any":1},"part":{"name":"bulb"}}',
}

/** What the check says of the answer, changed so; nothing if it is as described. */
function faults(change: Partial<SeenResponse>): string[] {
  try {
    check({ ...thing, ...change })
    return []
  } catch (error) {
    if (error instanceof ResponseMismatch) return error.faults
    throw error
  }
}

test('an answer that is as described passes', () => {
  expect(faults({})).toEqual([])
  expect(faults({ headers: new Headers(thing.headers as Record<string, string>) })).toEqual([])
  expect(faults({ body: new TextEncoder().encode('null') })).toEqual([])
  expect(faults({ headers: { ...thing.headers, 'Retry-After': '3' } })).toEqual([])
  expect(faults({ status: 404, headers: { 'content-type': 'application/problem+json' }, body: '1' })).toEqual(
    [],
  )
  expect(faults({ status: 204, headers: {}, body: '' })).toEqual([])
})

test('a status, a media type or a body that is not described is told', () => {
  expect(faults({ status: 201 })).toEqual(['the status is not described'])
  expect(faults({ headers: { etag: '"1"', 'content-type': 'text/plain' } })).toEqual([
    'content-type: text/plain is not described; application/json is',
  ])
  expect(faults({ status: 204, headers: {}, body: 'x' })).toEqual(['body: there is one, of 1 bytes'])
})

test('a body that breaks its schema is told, with the place', () => {
  expect(
    faults({ path: '/things', headers: { 'content-type': 'application/json' }, body: '[{"name":1}]' }),
  ).toEqual(['body/0/name: must be string'])
  expect(faults({ body: '{' })).toEqual(['body: is not JSON'])
  expect(faults({ body: '' })).toEqual(['body: is not JSON'])
})

test('a member that no schema names is told, at any depth', () => {
  expect(
    faults({
      path: '/things',
      headers: { 'content-type': 'application/json' },
      body: '[{"name":"a","new":1}]',
    }),
  ).toEqual(['body/0: the member new is not described'])
  expect(faults({ body: '{"name":"lamp","part":{"name":"bulb","new":1}}' })).toContain(
    'body/part: the member new is not described',
  )
})

test('a header that is missing, malformed or not described is told', () => {
  const { etag: _, ...others } = thing.headers as Record<string, string>
  expect(faults({ headers: others })).toEqual(['header ETag: is missing'])
  expect(faults({ headers: { ...thing.headers, 'retry-after': '0' } })).toEqual([
    'header Retry-After: must be >= 1 (0)',
  ])
  expect(faults({ headers: { ...thing.headers, 'retry-after': 'soon' } })).toEqual([
    'header Retry-After: must be integer (soon)',
  ])
  expect(faults({ headers: { ...thing.headers, 'x-new': ['1', '2'] } })).toEqual([
    'header x-new: is not described (1, 2)',
  ])
})

test('HEAD is described as GET, less the body', () => {
  expect(faults({ method: 'HEAD', body: '' })).toEqual([])
  expect(faults({ method: 'HEAD' })).toEqual(['body: HEAD has none'])
})

test('the most literal path counts', () => {
  expect(faults({ path: '/things/first' })).toEqual(['the status is not described'])
  expect(
    faults({ path: '/things/first', status: 202, headers: { 'content-type': 'application/json' } }),
  ).toEqual([])
})

test('an unlisted method or path may only be refused, as those beside it are', () => {
  const refused = { headers: { 'content-type': 'application/json' } }
  expect(faults({ ...refused, method: 'PUT', status: 405 })).toEqual([])
  expect(faults({ ...refused, method: 'PUT', status: 204 })).toEqual(['the status is not described'])
  expect(
    faults({ headers: { 'content-type': 'application/problem+json' }, path: '/others/7', status: 404 }),
  ).toEqual([])
  expect(faults({ path: '/others/7' })).toEqual(['the status is not described'])
})
