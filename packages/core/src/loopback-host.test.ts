import { expect, test } from 'vitest'
import { isLoopbackHost } from './loopback-host.ts'

test.each([
  '127.0.0.1',
  '127.8.9.10',
  '::1',
  '0:0:0:0:0:0:0:1',
  '::ffff:127.0.0.1',
  'localhost',
  'LOCALHOST',
])('%s is reached by this machine only', (host) => expect(isLoopbackHost(host)).toBe(true))

test.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::2', 'api.example', 'localhost.example', ''])(
  '%s may be reached by others',
  (host) => expect(isLoopbackHost(host)).toBe(false),
)
