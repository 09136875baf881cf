import { expect, test } from 'vitest'
import type { InputSchema, OpenapiOperation } from './testing/index.ts'
import { testApp } from './testing/test-app.ts'

/** A value that is one thing that its schema refuses, and where in the body that is. */
interface Refused {
  pointer: string
  value: unknown
  breaks: string
}

/** Most that the head of a request may have. */
const HEAD_MAX_BYTES = 16_384
/** No text of a request may have it. */
const BELL = '\u0007'

/** A value as the schema has it; one with a pattern or a format has to have an example. */
function sampleOf(schema: InputSchema): unknown {
  const { type, anyOf, enum: words, examples, items, minItems = 0, properties = {} } = schema
  if (examples) return examples[0]
  if ('const' in schema) return schema.const
  if (words) return words[0]
  if (anyOf) return sampleOf(anyOf[0]!)
  if (type === 'array') return Array(Math.max(1, minItems)).fill(sampleOf(items!))
  if (type === 'string') return 'x'.repeat(Math.max(1, schema.minLength ?? 0))
  if (type === 'integer' || type === 'number') return schema.minimum ?? Math.min(0, schema.maximum ?? 0)
  if (type === 'boolean') return true
  return Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, sampleOf(member)]))
}

/** Values that differ from a sample in one limit of the schema each. */
function* refusedBy(schema: InputSchema, pointer = ''): Generator<Refused> {
  const refused = (breaks: string, value: unknown, at = pointer) => ({ pointer: at, value, breaks })
  const { type, minLength = 0, maxLength, minimum, maximum, minItems = 0, maxItems } = schema
  if (schema.enum) yield refused('enum', 'no-such-word')
  if (maxLength !== undefined) yield refused('maxLength', 'x'.repeat(maxLength + 1))
  if (minLength > 0) yield refused('minLength', 'x'.repeat(minLength - 1))
  if (schema.pattern ?? schema.format?.startsWith('date')) yield refused('pattern, format', BELL)
  if (minimum !== undefined) yield refused('minimum', minimum - 1)
  if (maximum !== undefined) yield refused('maximum', maximum + 1)
  const sample = type === 'array' ? sampleOf(schema.items!) : undefined
  if (maxItems !== undefined) yield refused('maxItems', Array(maxItems + 1).fill(sample))
  if (minItems > 0) yield refused('minItems', Array(minItems - 1).fill(sample))
  if (type === 'array') {
    for (const { value, ...rest } of refusedBy(schema.items!, `${pointer}/0`))
      yield { ...rest, value: [value, ...Array(Math.max(0, minItems - 1)).fill(sample)] }
  }
  const whole = type === 'object' ? (sampleOf(schema) as object) : {}
  if (schema.additionalProperties === false)
    yield refused('additionalProperties', { ...whole, strange: 1 }, `${pointer}/strange`)
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    for (const { value, ...rest } of refusedBy(member, `${pointer}/${name}`))
      yield { ...rest, value: { ...whole, [name]: value } }
  }
}

/** Nothing but computing: a second of it, which a busy machine draws out. */
const TIMEOUT_MS = 60_000

test('every limit of a request that the description tells is held, and a refusal names the place', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { app, ask, redis, prefix } = await testApp()
  const { paths } = (await app.inject('/openapi.json')).json() as {
    paths: Record<string, Record<string, OpenapiOperation>>
  }
  const tried: Record<string, number> = {}
  for (const [path, item] of Object.entries(paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(item)) {
      const schema = requestBody?.content['application/json']?.schema
      const placed = parameters.filter((parameter) => parameter.in === 'path')
      const send = (given: { path?: object; query?: string; headers?: object; body?: unknown }) => {
        const ids = {
          ...Object.fromEntries(placed.map(({ name, example }) => [name, example])),
          ...given.path,
        }
        return ask({
          method: method.toUpperCase() as 'GET',
          url: `${path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent((ids as Record<string, string>)[name]!))}${given.query ?? ''}`,
          headers: { ...(schema ? { 'content-type': 'application/json' } : {}), ...given.headers },
          ...(schema ? { payload: JSON.stringify(given.body ?? sampleOf(schema)) } : {}),
        })
      }
      const expectRefused = (answer: Awaited<ReturnType<typeof send>>, place: object, breaks: string) => {
        tried[breaks] = (tried[breaks] ?? 0) + 1
        const what = `${method} ${path} ${JSON.stringify(place)} ${breaks}`
        expect(answer.statusCode, what).toBe(422)
        const places = (answer.json().errors as { detail?: string }[]).map(({ detail: _, ...found }) => found)
        expect(
          new Set(places.map((found) => JSON.stringify(found))),
          `${what}: this place alone may be refused. A member whose sample is refused too needs \`examples\` in its schema`,
        ).toEqual(new Set([JSON.stringify(place)]))
      }
      for (const { in: part, name, schema: limits } of parameters) {
        // What any field may have: HTTP's parser refuses more, with 400 and 431 (test/described-answers.test.ts).
        if (limits.maxLength === HEAD_MAX_BYTES) continue
        for (const { value, breaks } of refusedBy(limits)) {
          if (part === 'path') {
            const { statusCode } = await send({ path: { [name]: value } })
            expect(statusCode, `${method} ${path} ${name} ${breaks}`).toBe(404)
          } else if (part === 'query') {
            const query = `?${name}=${encodeURIComponent(String(value))}`
            expectRefused(await send({ query }), { query: name }, breaks)
          } else {
            const header = name.toLowerCase()
            expectRefused(await send({ headers: { [header]: String(value) } }), { header }, breaks)
          }
        }
      }
      for (const { pointer, value, breaks } of schema ? refusedBy(schema) : []) {
        expectRefused(await send({ body: value }), { pointer: `#${pointer}` }, breaks)
      }
    }
  }
  expect(tried).toMatchObject({
    enum: expect.any(Number),
    maxLength: expect.any(Number),
    minLength: expect.any(Number),
    'pattern, format': expect.any(Number),
    minimum: expect.any(Number),
    maximum: expect.any(Number),
    minItems: expect.any(Number),
    maxItems: expect.any(Number),
    additionalProperties: expect.any(Number),
  })
  expect(await redis.keys(`${prefix}:*`)).toEqual([])
})
