import { readFile } from 'node:fs/promises'
import { parseYaml } from '@redocly/openapi-core'
import { describe, expect, test } from 'vitest'

interface Service {
  [option: string]: unknown
  image?: string
  build?: string
  volumes?: string[]
}

const textOf = (name: string) => readFile(new URL(`../../${name}`, import.meta.url), 'utf8')
const { services } = parseYaml(await textOf('docker-compose.yml')) as { services: Record<string, Service> }

/** Redis begins as root, to give its volume to its user, and goes on as that; how much memory it takes is a matter of its `maxmemory`. */
const REDIS_CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'SETGID', 'SETPCAP', 'SETUID']

// That an engine does what this says is shown by prove.sh, by hand.
describe.each(Object.entries(services))('the container of %s', (name, service) => {
  const isRedis = name === 'redis'

  test('can write nothing but its volumes and a small /tmp, from which nothing is executed', () => {
    expect(service.read_only).toBe(true)
    expect(service.tmpfs).toEqual([expect.stringMatching(/^\/tmp:size=\d+m,.*\bnoexec,nosuid,nodev$/)])
    for (const volume of service.volumes ?? []) expect(volume).toMatch(/^[a-z]+:\/(data|var\/lib\/)/)
  })

  test('has no capabilities, gains none, and nothing of its host', () => {
    expect(service.cap_drop).toEqual(['ALL'])
    expect(service.cap_add ?? []).toEqual(isRedis ? REDIS_CAPABILITIES : [])
    expect(service.security_opt).toEqual(['no-new-privileges:true'])
    for (const option of ['privileged', 'devices', 'network_mode', 'pid', 'ipc', 'userns_mode', 'user']) {
      expect(service).not.toHaveProperty(option)
    }
  })

  test('has limits: of processes, of memory, of its log', () => {
    expect(service.pids_limit).toBeGreaterThan(0)
    if (!isRedis) expect(service.mem_limit).toMatch(/^(\$\{APP_MEMORY:-\d+g\}|\d+m)$/)
    expect(service.logging).toMatchObject({ options: { 'max-size': '10m', 'max-file': '5' } })
  })

  test('is our image, or Redis', () => {
    expect([service.build, service.image]).toEqual(isRedis ? [undefined, 'redis:8-alpine'] : ['.', undefined])
  })
})

test('what is published is this machine’s only', () => {
  const published = Object.entries(services).filter(([, { ports }]) => ports)
  expect(published.map(([name, { ports }]) => [name, ports])).toEqual([
    ['api', [expect.stringMatching(/^127\.0\.0\.1:/)]],
  ])
})

test('the image runs as a user that is not root, to whom nothing of the program belongs', async () => {
  const lines = (await textOf('Dockerfile')).split('\n')
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')))
  expect(last.filter((line) => line.startsWith('USER '))).toEqual(['USER node'])
  const user = last.indexOf('USER node')
  expect(last.slice(user + 1).filter((line) => /^(RUN|COPY|ADD)\b/.test(line))).toEqual([])
  expect(last.filter((line) => /^(COPY|ADD)\b.*--chown/.test(line))).toEqual([])
})
