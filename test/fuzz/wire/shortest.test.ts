import { expect, test } from 'vitest'
import { shortest } from './shortest.ts'

test('what does not belong to a fault is left out, and how it was sent if that does not matter', async () => {
  const parts = [Buffer.from('GET / HTTP/1.1\r\nHo'), Buffer.from('st: a\r\nX: BAD\r\n\r\n')]
  const shows = async ({ parts: tried }: { parts: Buffer[] }) => Buffer.concat(tried).includes('BAD')
  const found = await shortest({ parts, pauseMs: 20, ending: 'resets' }, shows)
  expect(found).toEqual({ parts: [Buffer.from('BAD')], pauseMs: 0, ending: 'reads' })
})

test('what matters stays: the parts, how it ends', async () => {
  const attack = { parts: [Buffer.from('ab'), Buffer.from('cd')], pauseMs: 5, ending: 'half-closes' as const }
  expect(
    await shortest(attack, async (tried) => tried.parts.length === 2 && tried.ending === 'half-closes'),
  ).toEqual(attack)
})
