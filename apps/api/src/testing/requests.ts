import { expect } from 'vitest'

type Answer = { statusCode: number; headers: Record<string, unknown>; json(): Record<string, unknown> }

/** Expects a problem document of this kind, and that it says more. */
export function expectProblem(answer: Answer, status: number, code: string, more: object = {}): void {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(answer.headers['x-request-id']).toMatch(/./)
  expect(answer.json()).toMatchObject({
    status,
    code,
    type: `http://accepted.test/problems/${code}`,
    ...more,
  })
  expect(answer.statusCode).toBe(status)
}

/** A POST of JSON; a string is sent as it is. */
export function post(url: string, payload: unknown, headers = {}) {
  return {
    method: 'POST' as const,
    url,
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  }
}
