import { expect, test } from 'vitest'
import { asText, TEXT_MAX_CHARACTERS, Text } from './schemas.ts'

const { pattern } = Text({}) as unknown as { pattern: string }

test('what is told as a text is one by the schema of texts', () => {
  const every = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code)).join('')
  expect(every).not.toMatch(new RegExp(pattern, 'u'))
  expect(asText(every)).toMatch(new RegExp(pattern, 'u'))
  expect(asText('\u0000\u001b[31m\ud800')).toBe('\ufffd\ufffd[31m\ufffd')
  expect(asText('tab\t line\r\n Zoë 山 😀')).toBe('tab\t line\r\n Zoë 山 😀')
})

test('a text that is too long is cut, and never through a character', () => {
  const emoji = '😀'.repeat(TEXT_MAX_CHARACTERS)
  expect(asText(`x${emoji}`)).toHaveLength(TEXT_MAX_CHARACTERS)
  expect(asText(`x${emoji}`).isWellFormed()).toBe(true)
})
