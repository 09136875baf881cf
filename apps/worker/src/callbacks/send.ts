import { errors, request } from 'undici'
import { ForbiddenTarget } from './forbidden-target.ts'
import type { GuardedAgent } from './guarded-agent.ts'
import { faultInWords } from './network-faults.ts'
import { retryAfterMs } from './retry-after.ts'

/** Of an answer's body, what is read so that its connection can be kept. */
const MOST_BODY_BYTES = 16_384

/** A failure within this time is worth a second try at once. */
const QUICK_MS = 1_000

/** One message to one receiver, once. */
export interface CallbackAttempt {
  /** In canonical form. */
  url: string
  headers: Record<string, string>
  body: string | Uint8Array
  /** Gives the attempt up. */
  signal: AbortSignal
  /** How long it may take in all, up to the status of the answer. */
  timeoutMs?: number
  /** How long the body of the answer may take: the status has told all there is to know. */
  bodyMs?: number
}

/** What came of an attempt. Words are for the owner of the receiver. `durationMs` ends with the status of the answer. */
export type CallbackOutcome = { durationMs: number } & (
  | { outcome: 'delivered'; httpStatus: number }
  /** The receiver wants no more of it, ever. */
  | { outcome: 'gone'; httpStatus: 410 }
  /** Any other answer; redirects are not followed. */
  | { outcome: 'refused'; httpStatus: number; retryAfterMs: number | undefined }
  /** No answer. `quick`: within a second, so that a second try at once is worth it. */
  | { outcome: 'failed'; error: string; quick: boolean }
  /** The target must not be connected to, as it is now. */
  | { outcome: 'forbidden'; error: string }
  /** It was given up from here; whether it arrived is not known. */
  | { outcome: 'aborted' }
)

/**
 * Makes one attempt, and judges it by the status of the answer alone. It resolves whatever the receiver does.
 *
 * @throws what is no fault of the receiver or the network: a request that cannot be made
 */
export async function sendCallback(
  agent: GuardedAgent,
  { url, headers, body, signal, timeoutMs = 15_000, bodyMs = 1_000 }: CallbackAttempt,
): Promise<CallbackOutcome> {
  const began = performance.now()
  const durationMs = () => Math.round(performance.now() - began)
  const end = new AbortController()
  // undici would tell of it only once it is connected.
  const aborted = new Promise<never>((_, reject) => {
    end.signal.addEventListener('abort', () => reject(end.signal.reason))
  })
  const abort = () => end.abort(GIVEN_UP)
  let timer = setTimeout(() => end.abort(TOO_LATE), timeoutMs)
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    const post = { method: 'POST', headers, body, dispatcher: agent.dispatcher, signal: end.signal } as const
    const answer = await Promise.race([request(url, post), aborted])
    const outcome = { ...judge(answer.statusCode, answer.headers['retry-after']), durationMs: durationMs() }
    clearTimeout(timer)
    timer = setTimeout(() => end.abort(TOO_LATE), bodyMs)
    // A body that breaks, or does not end, takes nothing back.
    await answer.body.dump({ limit: MOST_BODY_BYTES, signal: end.signal }).catch(() => undefined)
    return outcome
  } catch (error) {
    return { ...failure(error, durationMs()), durationMs: durationMs() }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

const GIVEN_UP = new Error('given up')
const TOO_LATE = new Error('too late')

type Judgement = CallbackOutcome extends infer O ? (O extends unknown ? Omit<O, 'durationMs'> : never) : never

function judge(httpStatus: number, retryAfter: string | string[] | undefined): Judgement {
  if (httpStatus >= 200 && httpStatus < 300) return { outcome: 'delivered', httpStatus }
  if (httpStatus === 410) return { outcome: 'gone', httpStatus }
  return { outcome: 'refused', httpStatus, retryAfterMs: retryAfterMs(retryAfter, Date.now()) }
}

function failure(error: unknown, durationMs: number): Judgement {
  if (error === GIVEN_UP || error instanceof errors.ClientDestroyedError) return { outcome: 'aborted' }
  if (error === TOO_LATE) return { outcome: 'failed', error: 'there was no answer in time', quick: false }
  if (error instanceof ForbiddenTarget) return { outcome: 'forbidden', error: error.message }
  if (error instanceof errors.InvalidArgumentError || error instanceof TypeError) throw error
  return { outcome: 'failed', error: faultInWords(error), quick: durationMs < QUICK_MS }
}
