import { checkedInject, type OpenapiDocument } from '@accepted/api/testing'
import { PROBLEMS, TASK_ERRORS } from '@accepted/contract'
import { loadContracts } from '@accepted/operations'
import SwaggerParser from '@apidevtools/swagger-parser'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describedApp } from './described-app.ts'

let app: FastifyInstance
let document: OpenapiDocument
let answer: Awaited<ReturnType<typeof checkedInject>>

beforeAll(async () => {
  ;({ app, document } = await describedApp())
  answer = await checkedInject(app)
})
afterAll(() => app.close())

/** What the wire contract promises, as far as it is built. */
const ROUTES = [
  'GET /tasks',
  'GET /tasks/{task_id}',
  'DELETE /tasks/{task_id}',
  'GET /tasks/{task_id}/events',
  'POST /tasks/{task_id}/cancel',
  'POST /tasks/{task_id}/confirm',
  'GET /tasks/{task_id}/deliveries',
  'POST /tasks/{task_id}/deliveries/{delivery_id}/redeliver',
  'POST /deliveries/redeliver',
  'GET /audit',
  'GET /endpoints',
  'GET /operations',
  'GET /operations/{task_id}',
  'DELETE /operations/{task_id}',
  'POST /cars',
  'GET /cars',
  'GET /cars/{car_id}',
  'POST /cars/{car_id}/reservations',
  'GET /cars/{car_id}/reservations/{reservation_id}',
  'POST /orders',
  'POST /orders/reports',
  'GET /orders/reports/{report_id}',
  'GET /.well-known/jwks.json',
  'GET /openapi.json',
  'GET /problems',
  'GET /problems/{code}',
  'GET /healthz',
  'GET /metrics',
  'GET /readyz',
]

function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  )
}

// What Spectral has to say: api-lint.test.ts.
describe('the document is accepted without a word by', () => {
  test('swagger-parser', async () => {
    await SwaggerParser.validate(structuredClone(document) as never)
  })

  test('Redocly, by its recommended rules', async () => {
    const problems = await lintFromString({
      source: JSON.stringify(document),
      absoluteRef: 'openapi.json',
      config: await createConfig({ extends: ['recommended'] }),
    })
    expect(
      problems.map(({ severity, ruleId, message, location: [place] }) =>
        [severity, ruleId, place?.pointer, message].join(' '),
      ),
    ).toEqual([])
  })
})

test('the document lists exactly the routes of the contract and of the operations', async () => {
  const started = [...(await loadContracts()).values()].map(({ route }) => route as string)
  expect(
    operations()
      .map(({ name }) => name)
      .sort(),
  ).toEqual([...new Set([...ROUTES, ...started])].toSorted())
})

test('the document says what it is, and where it is served', () => {
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { title: 'Accepted', version: '1.2.3' },
    servers: [
      {
        url: 'https://api.accepted.example',
        description: 'This installation: production',
        'x-internal': false,
      },
    ],
    security: [{ key: [] }],
  })
})

test.each([
  ['https://api.accepted.example', undefined, 'production', false],
  ['https://api.accepted.example', 'staging', 'staging', false],
  ['http://127.0.0.1:3000', undefined, 'local', true],
  ['http://[::1]:3000', undefined, 'local', true],
  ['http://localhost:3000', 'test', 'test', true],
])('an API at %s with ENVIRONMENT %s says that it is %s', async (url, environment, name, isInternal) => {
  const other = await describedApp({ PUBLIC_URL: url, ENVIRONMENT: environment ?? '' })
  await other.app.close()
  expect(other.document).toMatchObject({
    servers: [{ url, description: `This installation: ${name}`, 'x-internal': isInternal }],
  })
})

test('every operation says what credentials it takes, or that it takes none', async () => {
  for (const { name, operation } of operations()) {
    const isOpen = !('401' in operation.responses)
    expect(operation, name).toMatchObject({ security: [isOpen ? {} : { key: [] }] })
  }
  const trusting = await describedApp({ OIDC_ISSUER: 'https://issuer.example', OIDC_AUDIENCE: 'accepted' })
  await trusting.app.close()
  expect(trusting.document).toMatchObject({
    security: [{ key: [] }, { token: [] }],
    paths: { '/tasks': { get: { security: [{ key: [] }, { token: [] }] } } },
    components: { securitySchemes: { token: { scheme: 'bearer', bearerFormat: 'JWT' } } },
  })
})

test('the document describes the message that callbacks bring, and what is made of its answer', () => {
  const { parameters, requestBody, responses } = document.webhooks!.task!.post
  expect(parameters.map(({ name }) => name)).toEqual([
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'traceparent',
  ])
  expect(parameters.every(({ in: place, required }) => place === 'header' && required)).toBe(true)
  expect(requestBody.content['application/json']!.schema).toEqual({
    $ref: '#/components/schemas/CallbackMessage',
  })
  expect(Object.keys(responses).sort()).toEqual(['2XX', '410', 'default'])
})

test('only a route of the operation family leaves the numeric status out of its problems', () => {
  for (const { name, operation } of operations()) {
    for (const [status, response] of Object.entries(operation.responses)) {
      if (Number(status) < 400) continue
      const family = name.includes(' /operations') ? 'OperationProblem' : 'Problem'
      expect(response, `${name} ${status}`).toMatchObject({
        $ref: expect.stringContaining(`#/components/responses/${family}.`),
      })
    }
  }
})

test('every problem is the example of an answer', () => {
  const shown = Object.values(document.components.responses ?? {}).flatMap(({ content }) =>
    Object.keys(content?.['application/problem+json']?.examples ?? {}),
  )
  expect([...new Set(shown)].sort()).toEqual(Object.keys(PROBLEMS).sort())
})

test('every problem and every error of a task has its page', async () => {
  const overview = await answer('/problems')
  for (const [code, { title }] of Object.entries({ ...PROBLEMS, ...TASK_ERRORS })) {
    expect(overview.body).toContain(`href="/problems/${code}"`)
    const page = await answer(`/problems/${code}`)
    expect(page.statusCode).toBe(200)
    expect(page.body).toContain(`<h1>${title}</h1>`)
  }
  expect((await answer('/problems/no_such')).statusCode).toBe(404)
})

test('a page may load nothing from elsewhere', async () => {
  for (const path of ['/docs', '/docs/', '/problems', '/problems/gone']) {
    const { headers, body } = await app.inject({ url: path, headers: { accept: 'text/html' } })
    expect(headers['content-type']).toBe('text/html; charset=utf-8')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; /)
    expect(headers['content-security-policy']).not.toMatch(/https?:|unsafe|\*/)
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//)
  }
})

test('the page at /docs shows the same document', async () => {
  expect((await app.inject('/docs/json')).json()).toEqual(document)
})

test('HEAD answers as GET, without a body', async () => {
  for (const path of ['/openapi.json', '/problems', '/healthz']) {
    const [get, head] = [await answer(path), await answer({ method: 'HEAD', url: path })]
    expect(head.statusCode).toBe(get.statusCode)
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
    expect(head.body).toBe('')
  }
})
