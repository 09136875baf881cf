import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { audit } from './audit.ts'

const ADVISORY = {
  id: 1,
  url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
  title: 'It leaks',
  severity: 'high',
  vulnerable_versions: '<2.0.0',
  cwe: [],
  cvss: { score: 0, vectorString: null },
}
const LOCK = `lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      pipe:
        specifier: 1.0.0
        version: 1.0.0

packages:

  pipe@1.0.0:
    resolution: {integrity: sha512-${'A'.repeat(86)}==}

snapshots:

  pipe@1.0.0: {}
`

/** A project with one dependency. @param workspace its pnpm-workspace.yaml */
async function project(workspace = ''): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'accepted-audit-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const manifest = { name: 'audited', version: '1.0.0', private: true, dependencies: { pipe: '1.0.0' } }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'pnpm-lock.yaml'), LOCK)
  if (workspace) await writeFile(join(folder, 'pnpm-workspace.yaml'), workspace)
  return folder
}

/** A registry on loopback that answers everything so. */
async function registry(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_request, response) => answer(response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const knows = (advisory: object) => (response: ServerResponse) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ pipe: [advisory] }))
}

test('what is known against a dependency, of level high or above, is told', async () => {
  const address = await registry(knows(ADVISORY))
  expect(await audit(await project(), { registry: address, withinMs: 60_000 })).toEqual({
    outcome: 'vulnerable',
    advisories: [`high: pipe <2.0.0: It leaks (${ADVISORY.url})`],
  })
}, 90_000)

test('what is of a lower level, or argued in the workspace file, is not', async () => {
  const moderate = await registry(knows({ ...ADVISORY, severity: 'moderate' }))
  expect(await audit(await project(), { registry: moderate, withinMs: 60_000 })).toEqual({ outcome: 'none' })
  const high = await registry(knows(ADVISORY))
  const argued = await project(
    'auditConfig:\n  ignoreGhsas:\n    - GHSA-aaaa-bbbb-cccc # it holds no water\n',
  )
  expect(await audit(argued, { registry: high, withinMs: 60_000 })).toEqual({ outcome: 'none' })
}, 150_000)

test('a registry that refuses, hangs or is not there is said to be skipped, in time', async () => {
  const folder = await project()
  const refusing = await registry((response) => response.writeHead(405).end())
  expect(await audit(folder, { registry: refusing, withinMs: 60_000 })).toMatchObject({ outcome: 'skipped' })
  const hanging = await registry(() => undefined)
  expect(await audit(folder, { registry: hanging, withinMs: 3_000 })).toEqual({
    outcome: 'skipped',
    why: 'the registry did not answer within 3 s',
  })
  const nobody = await audit(folder, { registry: 'http://127.0.0.1:9/', withinMs: 20_000 })
  expect(nobody).toMatchObject({ outcome: 'skipped' })
}, 150_000)
