import { expect, test } from 'vitest'
import { parseCallbackUrl } from './callback-url.ts'

function canonical(text: string): string {
  const read = parseCallbackUrl(text)
  return read.outcome === 'url' ? read.url.href : read.detail
}

test.each([
  ['https://shop.example/hook', 'https://shop.example/hook'],
  ['HTTPS://Shop.Example:443/Hook?a=B', 'https://shop.example/Hook?a=B'],
  ['http://shop.example:8080', 'http://shop.example:8080/'],
  ['https://shop.example./hook', 'https://shop.example/hook'],
  ['https://shop.example/hook#part', 'https://shop.example/hook'],
  ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
  ['https://xn--bcher-kva.example/', 'https://xn--bcher-kva.example/'],
  ['https://shop。example/', 'https://shop.example/'],
  ['http://2130706433/', 'http://127.0.0.1/'],
  ['http://017700000001/', 'http://127.0.0.1/'],
  ['http://0177.0.0.1/', 'http://127.0.0.1/'],
  ['http://0x7f.1/', 'http://127.0.0.1/'],
  ['http://0x7f000001/', 'http://127.0.0.1/'],
  ['http://127.1/', 'http://127.0.0.1/'],
  ['http://127.0.0.1./', 'http://127.0.0.1/'],
  ['http://①②⑦.0.0.1/', 'http://127.0.0.1/'],
  ['http://１２７.0.0.1/', 'http://127.0.0.1/'],
  ['http://%31%32%37.0.0.1/', 'http://127.0.0.1/'],
  ['http://[::1]/', 'http://[::1]/'],
  ['http://[0:0:0:0:0:0:0:1]/', 'http://[::1]/'],
  ['http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/'],
  ['http://ⓛocalhost/', 'http://localhost/'],
  ['http://localhost./', 'http://localhost/'],
  ['http://example.com\\@127.0.0.1/', 'http://example.com/@127.0.0.1/'],
])('%s is read as %s', (text, href) => {
  expect(canonical(text)).toBe(href)
})

test.each([
  ['', 'must be an http or https URL'],
  ['shop.example/hook', 'must be an http or https URL'],
  ['//shop.example/hook', 'must be an http or https URL'],
  ['ftp://shop.example/hook', 'must be an http or https URL'],
  ['file:///etc/passwd', 'must be an http or https URL'],
  ['javascript:alert(1)', 'must be an http or https URL'],
  ['ws://shop.example/', 'must be an http or https URL'],
  ['http://', 'is not a valid URL'],
  ['http:///hook', 'is not a valid URL'],
  ['http:shop.example', 'is not a valid URL'],
  ['http:\\\\shop.example', 'is not a valid URL'],
  ['http://shop.example:65536/', 'is not a valid URL'],
  ['http://shop.example:http/', 'is not a valid URL'],
  ['http://256.1.1.1/', 'is not a valid URL'],
  ['http://1.2.3.4.5/', 'is not a valid URL'],
  ['http://[::1/', 'is not a valid URL'],
  ['http://[fe80::1%25eth0]/', 'is not a valid URL'],
  ['http://./', 'must have a host name without empty parts'],
  ['http://shop..example/', 'must have a host name without empty parts'],
  ['http://shop.example../', 'must have a host name without empty parts'],
  ['http://shop.example:0/', 'must not have port 0'],
  ['https://shop.example:00/', 'must not have port 0'],
  ['https://user@shop.example/', 'must not contain a user name or password'],
  ['https://user:secret@shop.example/', 'must not contain a user name or password'],
  ['https://:secret@shop.example/', 'must not contain a user name or password'],
  [' https://shop.example/', 'must not contain spaces or control characters'],
  ['https://shop\n.example/', 'must not contain spaces or control characters'],
  ['https://shop\0.example/', 'must not contain spaces or control characters'],
  [`https://shop.example/${'a'.repeat(3_000)}`, 'must have at most 2,048 characters'],
  [
    `https://shop.example/${'漢'.repeat(300)}`,
    'must have at most 2,048 characters once what is not ASCII is percent-encoded',
  ],
])('%j %s', (text, detail) => {
  expect(parseCallbackUrl(text)).toEqual({ outcome: 'faulty', detail })
})

test('2,048 characters are not too many', () => {
  const text = `https://shop.example/`.padEnd(2_048, 'a')
  expect(canonical(text)).toBe(text)
})
