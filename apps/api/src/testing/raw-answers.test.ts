import { expect, test } from 'vitest'
import { readAnswers } from './raw-answers.ts'

const read = (text: string, methods?: string[]) => readAnswers(Buffer.from(text, 'latin1'), methods)

test('answers one after the other are read as they are', () => {
  const answers = read(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 204 No Content\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nHTTP/1.1 404 No\r\nX: y\r\n\r\nrest',
  )
  expect(answers.map(({ status, body }) => [status, String(body)])).toEqual([
    [100, ''],
    [200, 'ab'],
    [204, ''],
    [200, 'abc'],
    [404, 'rest'],
  ])
  expect(answers[4]!.headers).toEqual({ x: 'y' })
})

test('an answer to HEAD has no body, whatever its length says', () => {
  const text = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na'
  expect(read(text, ['HEAD', 'GET']).map(({ body }) => String(body))).toEqual(['', 'a'])
})

test('what has not come to its end is read as far as it came', () => {
  expect(read('HTTP/1.1 200 O')).toEqual([])
  expect(read('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nab')[0]!.body.toString()).toBe('ab')
  expect(read('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab')[0]!.body.toString()).toBe('ab')
})

test.each([
  'ab',
  'HTTP/1.0 200 OK\r\n\r\n',
  'HTTP/1.1 20 OK\r\n\r\n',
  'HTTP/1.1 200 OK\r\nNo colon\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nab',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab{}',
])('what is no HTTP is told: %j', (text) => {
  expect(() => read(text)).toThrow('no HTTP')
})
