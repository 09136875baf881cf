/** What one connection may take, and how many there may be. */
export interface ConnectionLimits {
  /** Connections in all. */
  connections: number
  /** Connections of one address; of IPv6 a /64, which is what one client has. */
  connectionsPerAddress: number
  /** From the first byte of a request, or the beginning of its connection, to the end of its head, ms. */
  headMs: number
  /** The same to the end of its body, ms. */
  requestMs: number
  /** How often the two before are looked at, and readers, ms. */
  lookedAtEveryMs: number
  /** How long a connection may be without a request, ms. */
  idleMs: number
  /** What a reader may take for an answer, however short it is, ms. */
  readMs: number
  /** What a reader of more than that takes in a second, at least. */
  readBytesPerSecond: number
  /** What a client still gets of its answer, once all is said, while it goes on sending, ms. */
  lingerMs: number
}

/** The limits, if nobody says otherwise, beside those of the settings. */
export const CONNECTION_LIMITS = {
  headMs: 10_000,
  lookedAtEveryMs: 1_000,
  // Longer than the proxies and balancers keep theirs, so that none sends a request to a connection that closes: usually 60 s.
  idleMs: 72_000,
  readMs: 30_000,
  readBytesPerSecond: 10_000,
  lingerMs: 5_000,
} as const satisfies Partial<ConnectionLimits>

/** Most bytes of a request line and header fields together; Node counts them. */
export const HEAD_MAX_BYTES = 16_384
/** Most bytes of a request target; RFC 9110 §4.1 asks for 8,000 at least. */
export const TARGET_MAX_BYTES = 8_000
/** Most header fields of a request. */
export const MAX_FIELDS = 100
/** Most requests of one connection that may be unanswered at once. */
export const MAX_PIPELINED = 32
/** Connections over the limit that are told so, at once; others are just closed. */
export const MAX_REFUSED = 100
/** What one that is told so may take for it, ms. */
export const REFUSED_WITHIN_MS = 2_000
