import { createLog } from '@accepted/core'
import { PermanentError, RetryableError } from '@accepted/operations'
import { describe, expect, test } from 'vitest'
import { saneError } from './sane-error.ts'

const throws = (): never => {
  throw new Error('do not look at me')
}
const unreadable = new Proxy({}, { get: throws, getPrototypeOf: throws, ownKeys: throws })

function circle(): Error {
  const error = new Error('round and round')
  error.cause = error
  return error
}

/** Logs it as the worker does. @throws what its looks throw */
function log(err: unknown): void {
  const lines = createLog('test', 'info', { write: () => undefined })
  lines.error({ err }, 'attempt failed')
}

test.each([
  new PermanentError('no'),
  new PermanentError('no', { cause: new RetryableError('why') }),
  new PermanentError('no', { cause: { status: 404 } }),
  new PermanentError('no', { cause: { answer: () => 'a function cannot be cloned' } }),
  new PermanentError('no', { cause: circle() }),
  new PermanentError('no', { cause: null }),
  new AggregateError([new Error('one'), 'two'], 'both'),
  'text',
  null,
  undefined,
  0,
])('what can be read comes through as it is: %s', (thrown) => {
  expect(saneError(thrown)).toBe(thrown)
})

describe('an error of which a part cannot be read keeps its class, and what can be read', () => {
  const odd: Record<string, (error: RetryableError) => unknown> = {
    'a cause that throws when it is read': (error) => Object.defineProperty(error, 'cause', { get: throws }),
    'a cause that throws when it is looked at': (error) => Object.assign(error, { cause: unreadable }),
    'a cause of a cause that does': (error) =>
      Object.assign(error, { cause: new Error('why', { cause: unreadable }) }),
  }
  test.each(Object.entries(odd))('%s', (_, spoil) => {
    const thrown = spoil(new RetryableError('the press is hot', { code: 'too_hot', delaySeconds: 7 }))
    expect(() => log(thrown)).toThrow()
    const sane = saneError(thrown) as RetryableError
    expect(() => log(sane)).not.toThrow()
    expect(sane).toBeInstanceOf(RetryableError)
    expect(sane).toMatchObject({ name: 'RetryableError', message: 'the press is hot', code: 'too_hot' })
    expect(sane.delaySeconds).toBe(7)
    expect(sane.stack).toContain('sane-error.test.ts')
  })
})

describe('what the log does not look at need not be readable', () => {
  const odd: Record<string, (error: RetryableError) => unknown> = {
    'a cause that throws when it is asked for': (error) => Object.assign(error, { cause: throws }),
    'a member that throws when it is read': (error) =>
      Object.defineProperty(error, 'answer', { get: throws, enumerable: true }),
    'a member that cannot be told': (error) => Object.assign(error, { errors: [unreadable] }),
    'that is frozen': (error) => Object.freeze(error),
  }
  test.each(Object.entries(odd))('%s', (_, spoil) => {
    const thrown = spoil(new RetryableError('the press is hot'))
    expect(saneError(thrown)).toBe(thrown)
    expect(() => log(thrown)).not.toThrow()
  })
})

test.each([
  ['an object that throws when it is looked at', unreadable],
  ['an error whose message throws', Object.defineProperty(new Error('x'), 'message', { get: throws })],
  ['an error whose message is no text', Object.assign(new Error('x'), { message: 7 })],
  ['an error that throws when it is looked at', new Proxy(new Error('x'), { get: throws })],
  ['what cannot be cloned', { answer: () => 'a function' }],
])('%s is told as what cannot be read', (_, thrown) => {
  const sane = saneError(thrown)
  expect(() => log(sane)).not.toThrow()
  expect(sane).toEqual(new Error('what was thrown cannot be read'))
})
