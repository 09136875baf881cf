/** Most characters of a callback's URL, as it was given and as it is sent. */
const MOST_CHARACTERS = 2_048

/** A callback's URL in canonical form, or what is wrong with it, in words that go on from "it". */
export type CallbackUrl = { outcome: 'url'; url: URL } | { outcome: 'faulty'; detail: string }

/**
 * Reads a callback's URL. Canonical form is that of the WHATWG: hosts in lower case and punycode, IPv4 addresses in four decimal
 * parts whatever they were written in (`2130706433`, `0x7f.1`, `①②⑦.0.0.1`), default ports left out. On top of that a host
 * loses its trailing dot, so that a receiver has one origin, and the fragment goes, since it is never sent.
 */
export function parseCallbackUrl(text: string): CallbackUrl {
  if (text.length > MOST_CHARACTERS) return faulty('must have at most 2,048 characters')
  // The parser would drop some of these and go on.
  if (/[\s\p{Cc}]/u.test(text)) return faulty('must not contain spaces or control characters')
  if (!/^https?:/i.test(text)) return faulty('must be an http or https URL')
  // The parser would take the path for the host.
  if (!/^https?:\/\/[^/\\]/i.test(text) || !URL.canParse(text)) return faulty('is not a valid URL')
  const url = new URL(text)
  if (url.username || url.password) return faulty('must not contain a user name or password')
  if (url.port === '0') return faulty('must not have port 0')
  if (/^\.|\.\./.test(url.hostname)) return faulty('must have a host name without empty parts')
  url.hostname = url.hostname.replace(/\.$/, '')
  url.hash = ''
  if (url.href.length > MOST_CHARACTERS)
    return faulty('must have at most 2,048 characters once what is not ASCII is percent-encoded')
  return { outcome: 'url', url }
}

function faulty(detail: string): CallbackUrl {
  return { outcome: 'faulty', detail }
}
