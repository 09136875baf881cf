import { type RawAnswer, readAnswers } from '@accepted/api/testing/raw'
import { PROBLEMS } from '@accepted/contract'
import type { Attack } from './attacks.ts'
import type { Played } from './play.ts'

const STATUSES = new Set([
  100,
  200,
  201,
  202,
  204,
  206,
  303,
  304,
  ...Object.values(PROBLEMS).map(({ status }) => status),
])

/** What is wrong with what came of an attack, in words that are the same for the same fault. */
export function judgeAnswers({ parts, ending }: Attack, { received, wasEnded, wasLeft }: Played): string[] {
  if (wasLeft) return ['no answer and no end']
  let answers: RawAnswer[]
  try {
    answers = readAnswers(received)
  } catch (error) {
    // What answers HEAD has a length and no body: where the next one begins only its request tells.
    if (Buffer.concat(parts).includes('HEAD')) return []
    return [`answered what is no HTTP: ${(error as Error).message.replace(/at byte \d+/, '')}`]
  }
  const faults = answers.flatMap((answer, at) => judge(answer, at < answers.length - 1))
  const last = answers.at(-1)
  const length = Number(last?.headers['content-length'] ?? Number.NaN)
  if (wasEnded && ending === 'reads' && last && last.status !== 304 && last.body.length < length) {
    faults.push(`an answer ${last.status} was cut short`)
  }
  return faults
}

function judge({ status, headers, body }: RawAnswer, isWhole: boolean): string[] {
  if (!STATUSES.has(status)) return [`answered ${status}, which is no status of ours`]
  if (status >= 500 && status !== 503) return [`answered ${status}`]
  if (status < 400 || !isWhole) return []
  if (!headers['content-type']?.startsWith('application/problem+json'))
    return [`answered ${status} without a problem`]
  const { code } = JSON.parse(String(body)) as { code: string }
  return Object.hasOwn(PROBLEMS, code) ? [] : [`answered ${status} with the code ${code}`]
}
