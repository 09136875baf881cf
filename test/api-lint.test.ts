import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { WITH_KEYS, WITHOUT_KEYS } from './api-lint/exemptions.ts'
import { judge, lint } from './api-lint/lint.ts'
import { describedApp } from './described-app.ts'

const PAGE = new URL('../docs/decisions/027-api-lint.md', import.meta.url)

/** `faults` are to be mended, or argued in the page; `idle` exemptions, which nothing needs, are to be taken out. */
const CLEAN = { faults: [], idle: [] }

/** Nothing but computing, some seconds of it, which a busy machine draws out. */
const TIMEOUT_MS = 180_000

/** The description of an API with these settings. */
async function documentOf(environment: Record<string, string>) {
  const { app, document } = await describedApp(environment)
  await app.close()
  return document
}

test('the description of an API that asks for keys and tokens passes the lint, but for what is argued', {
  timeout: TIMEOUT_MS,
}, async () => {
  const document = await documentOf({
    HOST: '0.0.0.0',
    OIDC_ISSUER: 'https://issuer.example',
    OIDC_AUDIENCE: 'accepted',
  })
  expect(judge(await lint(document), WITH_KEYS)).toEqual(CLEAN)
})

test('that of an API that asks nobody passes it too', { timeout: TIMEOUT_MS }, async () => {
  const document = await documentOf({ AUTH: 'none' })
  expect(judge(await lint(document), WITHOUT_KEYS)).toEqual(CLEAN)
})

test('the decision page names every rule that does not hold everywhere, and no other', async () => {
  const page = await readFile(PAGE, 'utf8')
  const argued = [...page.matchAll(/^\| `((?:owasp|oas)[^`]*)` \|/gm)].map(([, rule]) => rule)
  const exempt = [...WITH_KEYS, ...WITHOUT_KEYS].map(({ rule }) => rule)
  expect(new Set(argued)).toEqual(new Set(exempt))
})

test('a fault is told by its rule and its place, an exemption holds for its place and what lies under it', async () => {
  const schema = { type: 'integer', minimum: 1, format: 'int32' }
  const response = { description: 'A number', content: { 'application/json': { schema } } }
  const document = {
    openapi: '3.1.0',
    info: { title: 'Numbers', version: '1' },
    paths: { '/a~b': { get: { responses: { 200: response } } } },
  }
  const findings = await lint(document)
  const rule = 'owasp:api4:2023-integer-limit'
  const place = '#/paths/~1a~0b/get/responses/200/content/application~1json/schema'
  const toldBy = (exemptions: Parameters<typeof judge>[1]) =>
    judge(findings, exemptions).faults.filter((line) => line.startsWith(rule))
  expect(toldBy([])).toEqual([
    `${rule} at ${place}: Schema of type integer must specify minimum and maximum.`,
  ])
  expect(toldBy([{ rule, places: [place] }])).toEqual([])
  expect(toldBy([{ rule, places: ['#/paths/~1a~0b'] }])).toEqual([])
  expect(toldBy([{ rule, places: ['#/paths/~1a'] }])).toHaveLength(1)
  expect(toldBy([{ rule: 'owasp:api4:2023-integer-format', places: [place] }])).toHaveLength(1)
  expect(judge(findings, [{ rule, places: ['#/paths/~1a'] }]).idle).toEqual([`${rule} at #/paths/~1a`])
})
