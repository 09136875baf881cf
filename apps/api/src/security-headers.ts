const A_YEAR_SECONDS = 31_536_000

/**
 * Fields of every answer: it is what its media type says, it is not for pages of other sites to include, and nobody keeps it unless
 * the route says so.
 */
const ANSWER = {
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}
const ENCRYPTED_ANSWER = { ...ANSWER, 'strict-transport-security': `max-age=${A_YEAR_SECONDS}` }

/** Fields of every answer, by the address under which clients know the service: only of one with https they are to remember that. */
export function securityHeaders(publicUrl: string): Record<string, string> {
  return publicUrl.startsWith('https:') ? ENCRYPTED_ANSWER : ANSWER
}

/** Fields of pages besides: where they lead learns nothing, nobody frames them, and they may do nothing but be read. */
export const PAGE_HEADERS = {
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()',
}

/** The policy of a page that takes no input and is in no frame. @param sources what it loads, by directive */
export function contentSecurityPolicy(sources: Record<string, string>): string {
  const directives = {
    'default-src': "'none'",
    ...sources,
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
  }
  return Object.entries(directives)
    .map((directive) => directive.join(' '))
    .join('; ')
}
