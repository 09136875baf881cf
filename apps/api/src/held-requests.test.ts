import { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { ANYBODY } from './auth/caller.ts'
import { HeldRequests } from './held-requests.ts'

const response = () =>
  new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never)
const fired = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))

test('a request is held until its time is up', async () => {
  const hold = new HeldRequests().hold(response(), ANYBODY, 1)
  await fired(hold.signal)
  expect(hold.gone).toBe(false)
})

test('a request is not held when its client is gone', () => {
  const [leaving, gone] = [response(), response().destroy()]
  const held = new HeldRequests()
  const hold = held.hold(leaving, ANYBODY, 60_000)
  leaving.destroy()
  leaving.emit('close')
  expect([hold.signal.aborted, hold.gone]).toEqual([true, true])
  expect(held.hold(gone, ANYBODY).signal.aborted).toBe(true)
  hold.release()
})

test('a request is not held when its credential holds no longer', () => {
  const held = new HeldRequests()
  let good = true
  const [hold, other] = [held.hold(response(), { holds: () => good }), held.hold(response(), ANYBODY)]
  held.look()
  expect(hold.signal.aborted).toBe(false)
  good = false
  held.look()
  expect([hold.signal.aborted, other.signal.aborted]).toEqual([true, false])
  held.close()
})

test('when all are let go none is held any more', () => {
  const held = new HeldRequests()
  const hold = held.hold(response(), ANYBODY, 60_000)
  const before = held.hold(response(), ANYBODY, 60_000)
  before.release()
  held.close()
  expect([hold.signal.aborted, before.signal.aborted]).toEqual([true, false])
  expect(held.hold(response(), ANYBODY).signal.aborted).toBe(true)
  hold.release()
})

test('a released request leaves nothing at its response', () => {
  const answered = response()
  const listeners = answered.listenerCount('close')
  new HeldRequests().hold(answered, ANYBODY, 60_000).release()
  expect(answered.listenerCount('close')).toBe(listeners)
})
