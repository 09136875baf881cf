import { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { ANYBODY } from './auth/caller.ts'
import { HeldRequests } from './held-requests.ts'

const ANY_NUMBER = { inAll: 1_000, perHolder: undefined }
const response = () =>
  new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 } as never)
const fired = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve))

test('a request is held until its time is up', async () => {
  const hold = new HeldRequests(ANY_NUMBER).hold(response(), ANYBODY, 1)
  await fired(hold.signal)
  expect(hold.gone).toBe(false)
})

test('a request is not held when its client is gone', () => {
  const [leaving, gone] = [response(), response().destroy()]
  const held = new HeldRequests(ANY_NUMBER)
  const hold = held.hold(leaving, ANYBODY, 60_000)
  leaving.destroy()
  leaving.emit('close')
  expect([hold.signal.aborted, hold.gone]).toEqual([true, true])
  expect(held.hold(gone, ANYBODY).signal.aborted).toBe(true)
  hold.release()
})

test('a request is not held when its credential holds no longer', () => {
  const held = new HeldRequests(ANY_NUMBER)
  let good = true
  const [hold, other] = [
    held.hold(response(), { ...ANYBODY, holds: () => good }),
    held.hold(response(), ANYBODY),
  ]
  held.look()
  expect(hold.signal.aborted).toBe(false)
  good = false
  held.look()
  expect([hold.signal.aborted, other.signal.aborted]).toEqual([true, false])
  held.close()
})

test('when all are let go none is held any more', () => {
  const held = new HeldRequests(ANY_NUMBER)
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
  new HeldRequests(ANY_NUMBER).hold(answered, ANYBODY, 60_000).release()
  expect(answered.listenerCount('close')).toBe(listeners)
})

test('of a tenant, and in all, so many are held; one more is told that it has no place', () => {
  const held = new HeldRequests({ inAll: 3, perHolder: 2 })
  const hold = (tenant: string) => held.hold(response(), { ...ANYBODY, tenant })
  const [first, , over] = [hold('a'), hold('a'), hold('a')]
  expect([first!.isFull, over!.isFull]).toEqual([false, true])
  over!.release()
  expect([hold('b').isFull, hold('b').isFull]).toEqual([false, true])
  first!.release()
  first!.release()
  expect([hold('a').isFull, hold('a').isFull]).toEqual([false, true])
  held.close()
})
