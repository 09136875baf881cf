import { expect, test } from 'vitest'
import { createLog } from './log.ts'
import { printable } from './printable.ts'
import { withoutSecrets } from './without-secrets.ts'

/** The line that a log writes of an error. */
function lineOf(err: unknown): string {
  let written = ''
  const write = (text: string) => {
    written += text
  }
  createLog('test', 'info', { write }).error({ err }, 'it failed')
  return written
}
const told = (err: unknown) => JSON.parse(lineOf(err)).err

test('of an error that Redis answered, the command is not told: its arguments are bodies, keys and passwords', () => {
  const refused = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
    command: { name: 'auth', args: ['hunter2'] },
    code: 'WRONGPASS',
  })
  const line = lineOf(new Error('the store was away', { cause: refused }))
  expect(line).not.toContain('hunter2')
  expect(JSON.parse(line).err).toMatchObject({
    type: 'Error',
    message: 'the store was away',
    cause: { message: 'WRONGPASS invalid username-password pair', code: 'WRONGPASS' },
  })
  expect(JSON.parse(line).err.stack).toContain('log.test.ts')
})

test('the errors within an error are told, to some depth, though they go in circles', () => {
  const circle = new Error('round')
  circle.cause = new AggregateError([circle, new Error('two')], 'both')
  expect(told(circle).cause.errors.map(({ message }: Error) => message)).toEqual(['round', 'two'])
  expect(lineOf(circle).length).toBeLessThan(50_000)
})

test('a message cannot break its line, forge fields or act on a terminal, and is cut', () => {
  const forged = '\u001b[2J\u009b31m\r\n{"level":60,"msg":"forged"}\u2028x\u202e\u007f\0'
  const line = lineOf(new TypeError(forged + 'y'.repeat(1_000_000)))
  expect(line.length).toBeLessThan(20_000)
  expect(line.split(/[\n\r\u2028\u2029]/)).toEqual([expect.any(String), ''])
  expect(JSON.parse(line)).toMatchObject({ level: 50, msg: 'it failed', err: { type: 'TypeError' } })
  expect(JSON.parse(line).err.message).toMatch(
    /^\\u001b\[2J\\u009b31m\\u000d\n\{.*\\u2028x\\u202e\\u007f\\u0000y+…$/s,
  )
})

test.each([
  ['the text', 'string', 'the text'],
  [{ password: 'hunter2' }, 'object', 'what was thrown is no error but [object Object]'],
  [null, 'object', 'what was thrown is no error but [object Null]'],
])('what is thrown though it is no error has its kind told: %o', (thrown, type, message) => {
  expect(told(thrown)).toEqual({ type, message })
})

test.each([
  ['no such key acc_Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmE!', 'no such key acc_…!'],
  ['whsec_3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8= is old', 'whsec_… is old'],
  ['Authorization: Bearer abc.def-ghi', 'Authorization: Bearer …'],
  ['authorization: basic dXNlcjpwYXNz', 'authorization: basic …'],
  ['eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln', 'eyJ…'],
  ['redis://user:p@ss/w#rd@host:6379/0', 'redis://…@host:6379/0'],
  ['GET https://api.example/v1?key=s3cret failed', 'GET https://api.example/v1?… failed'],
  [
    '-----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY-----\n',
    '-----BEGIN EC PRIVATE KEY-----…\n',
  ],
  ['at file:///app/src/x.ts?v=1:2', 'at file:///app/src/x.ts?v=1:2'],
  ['the basic form of https://host:3000/a is known', 'the basic form of https://host:3000/a is known'],
])('secrets are known by their form: %s', (text, left) => {
  expect(withoutSecrets(text)).toBe(left)
})

test('what is printable stays as it is', () => {
  const text = 'Zoë 山田太郎 🚗 a\u00a0b'
  expect(printable(text)).toBe(text)
  expect(printable('a\tb\n', true)).toBe('a\tb\n')
  expect(JSON.parse(printable(JSON.stringify({ a: '\u009b\u2028\u202e' })))).toEqual({
    a: '\u009b\u2028\u202e',
  })
})
