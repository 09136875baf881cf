import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { SealError, Sealer } from './sealer.ts'

const [KEY, OTHER_KEY] = [randomBytes(32), randomBytes(32)]
const PLACE = { kind: 'callback', owner: 'north' }
const SECRET = Buffer.from('the secret itself')

describe('what is sealed', () => {
  test('opens at its place, and nothing of it shows', () => {
    const sealed = new Sealer([KEY]).seal(SECRET, PLACE)
    expect(new Sealer([KEY]).open(sealed, PLACE)).toEqual(SECRET)
    expect(sealed).toMatch(/^1\.[0-9a-f]{12}\.[\w-]+$/)
    expect(Buffer.from(sealed.split('.')[2]!, 'base64url').includes(SECRET)).toBe(false)
  })

  test('is another text each time', () => {
    const sealer = new Sealer([KEY])
    expect(sealer.seal(SECRET, PLACE)).not.toBe(sealer.seal(SECRET, PLACE))
  })

  test.each([
    ['tenant', { kind: 'callback', owner: 'south' }],
    ['kind', { kind: 'signing', owner: 'north' }],
    ['split of kind and tenant', { kind: 'callbackn', owner: 'orth' }],
  ])('does not open in the place of another %s', (_, place) => {
    const sealer = new Sealer([KEY])
    expect(() => sealer.open(sealer.seal(SECRET, PLACE), place)).toThrow(
      /was changed, or put there from another place/,
    )
  })

  test('does not open once a single byte of it is another', () => {
    const sealer = new Sealer([KEY])
    const [version, keyId, encoded] = sealer.seal(SECRET, PLACE).split('.')
    const data = Buffer.from(encoded!, 'base64url')
    for (let at = 0; at < data.length; at += 1) {
      const changed = Buffer.from(data)
      changed[at]! ^= 1
      const sealed = [version, keyId, changed.toString('base64url')].join('.')
      expect(() => sealer.open(sealed, PLACE), `byte ${at}`).toThrow(SealError)
    }
  })

  test.each(['', '1', '1.2', 'plain', '2.aabbccddeeff.AAAA', '1..', '1.a.b.c'])(
    'is never a text such as "%s"',
    (text) => {
      expect(() => new Sealer([KEY]).open(text, PLACE)).toThrow(SealError)
    },
  )

  test.each(['', 'AAAA', 'A'.repeat(37)])('does not open cut off after "%s"', (data) => {
    const sealer = new Sealer([KEY])
    const [version, keyId] = sealer.seal(SECRET, PLACE).split('.')
    expect(() => sealer.open([version, keyId, data].join('.'), PLACE)).toThrow(SealError)
  })
})

describe('keys', () => {
  test('that are listed all open, and the first seals', () => {
    const before = new Sealer([OTHER_KEY]).seal(SECRET, PLACE)
    const both = new Sealer([KEY, OTHER_KEY])
    expect(both.open(before, PLACE)).toEqual(SECRET)
    expect(new Sealer([KEY]).open(both.seal(SECRET, PLACE), PLACE)).toEqual(SECRET)
    expect([both.isCurrent(before), both.isCurrent(both.seal(SECRET, PLACE))]).toEqual([false, true])
  })

  test('that do not open a value are told by their ids, and the value by its place', () => {
    const sealed = new Sealer([KEY]).seal(SECRET, PLACE)
    const words =
      /^SECRETS_KEY does not open the callback secret of north: .* key ([0-9a-f]{12}), .* is ([0-9a-f]{12})\.$/
    let told: unknown
    try {
      new Sealer([OTHER_KEY]).open(sealed, PLACE)
    } catch (error) {
      told = error
    }
    expect(told).toBeInstanceOf(SealError)
    const [, sealedWith, held] = words.exec((told as SealError).message)!
    expect(sealedWith).toBe(sealed.split('.')[1])
    expect(held).not.toBe(sealedWith)
  })
})
