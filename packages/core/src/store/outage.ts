import { ReplyError } from 'ioredis'

/** Redis did not answer in time or cannot answer now. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  /** Whether what was asked may have happened all the same, or happen yet: it was sent, and no answer came. */
  readonly mayHaveHappened: boolean

  constructor(message: string, options: ErrorOptions & { mayHaveHappened?: boolean } = {}) {
    super(message, options)
    this.mayHaveHappened = options.mayHaveHappened ?? false
  }
}

/**
 * What stands in Redis was written by a newer program, in a format that this one does not know: it read and wrote nothing. For
 * whoever asked it is an outage of this process, which only its upgrade ends.
 */
export class NewerFormat extends StoreUnavailable {
  override name = 'NewerFormat'
}

/** What every script says then, before it does anything: shard.lua. */
const NEWER_REPLY = /^NEWER /

/**
 * Replies of a Redis that is there but cannot serve now; any other error reply is a fault of ours. One that has lost its scripts
 * and has no memory left takes none again: of those that ioredis sends at once all but the first are told NOSCRIPT.
 */
const PASSING_REPLIES =
  /^(LOADING|OOM|NOSCRIPT|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF|EXECABORT)\b/
/** What ioredis says of a command that it did not send. */
const NOT_SENT = /isn't writeable/
/** What ioredis says when there is no connection, or no answer on it. */
const NO_CONNECTION = /Connection is closed|isn't writeable|timed out|Socket timeout|max retries per request/
/** What the system says of such a connection. */
const SYSTEM_CODES = /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/

/** Does what asks Redis. @throws {StoreUnavailable} for an outage, {NewerFormat} for data that is too new; a fault of ours comes through as it is */
export async function guarded<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof ReplyError && NEWER_REPLY.test((error as Error).message)) {
      throw new NewerFormat((error as Error).message.replace(NEWER_REPLY, ''), { cause: error })
    }
    if (!isOutage(error)) throw error
    const mayHaveHappened = !(error instanceof ReplyError) && !NOT_SENT.test((error as Error).message)
    throw new StoreUnavailable('Redis did not answer', { cause: error, mayHaveHappened })
  }
}

/**
 * Whether an error is the store's own word that it is away or cannot serve now. Unlike `isOutage` it takes nobody else's
 * network error for that, so it is what to ask of errors that come from code which is not ours.
 */
export function isStoreAway(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true
  return error instanceof ReplyError && PASSING_REPLIES.test((error as Error).message)
}

/** Whether an error says that Redis is away or cannot serve now: of errors that came from asking Redis. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof StoreUnavailable) return true
  if (error instanceof ReplyError) return PASSING_REPLIES.test(error.message)
  return NO_CONNECTION.test(error.message) || SYSTEM_CODES.test((error as NodeJS.ErrnoException).code ?? '')
}
