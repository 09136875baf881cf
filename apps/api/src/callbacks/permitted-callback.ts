import { type Callback, judgeTarget, type NameResolver, type TargetRules } from '@accepted/core'
import { invalidInput } from '../problem.ts'
import type { AskedCallback } from './callback-options.ts'

/** How long a start waits for DNS; a name that takes longer is judged when it is called. */
const LOOK_UP_WITHIN_MS = 500

/** What decides on callbacks. */
export interface CallbackPolicy {
  rules: TargetRules
  names: NameResolver
  /** Whether there is a key to sign them with. */
  canSign: boolean
}

/**
 * The callback of a task, as it was asked for.
 *
 * @param base of the links in its messages
 * @throws {ProblemError} `invalid_input`, if none may go there
 */
export async function permittedCallback(
  { url, events, place }: AskedCallback & { outcome: 'asked' },
  { rules, names, canSign }: CallbackPolicy,
  base: string,
): Promise<Callback> {
  if (!canSign)
    throw invalidInput([{ ...place, detail: 'is of no use: this installation sends no callbacks' }])
  const judged = await judgeTarget(url, rules, names, LOOK_UP_WITHIN_MS)
  if (judged.verdict === 'forbidden') throw invalidInput([{ ...place, detail: judged.detail }])
  return { url: url.href, events, base }
}
