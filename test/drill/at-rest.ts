import { type Contents, checkContents } from '@accepted/core/testing'

/** Kinds of keys that are empty, and so not there, when nothing waits, runs or is tried. */
const EMPTY_AT_REST = /^(flow|turns|running|trying|aside|tenants|failed|failing|recovery):/
/** Timers that may stand when all is at rest. */
const TIMERS_AT_REST = /^probe:/

/** What a shard at rest keeps that it should not, in words. */
export function leftOvers(contents: Contents): string[] {
  const wrong: string[] = []
  for (const key of contents.keys) {
    const kind = key.split(':')[0]!
    if (EMPTY_AT_REST.test(key)) wrong.push(`${key} holds ${contents.list(key).slice(0, 4)}`)
    if (kind === 'lane' && Number(contents.map(key).get('waiting') ?? 0) !== 0)
      wrong.push(`${key} counts ${contents.map(key).get('waiting')} waiting`)
    if (kind === 'key') wrong.push(...ofKey(contents, key))
    if (kind === 'dlvs') wrong.push(...ofDeliveries(contents, key.slice('dlvs:'.length)))
    if (kind === 'dlv' && !contents.list(`dlvs:${contents.map(key).get('task')}`).includes(key.slice(4)))
      wrong.push(`${key} is of no task`)
  }
  for (const timer of contents.map('timers').keys())
    if (!TIMERS_AT_REST.test(timer)) wrong.push(`the timer ${timer} stands`)
  try {
    checkContents(contents)
  } catch (error) {
    wrong.push(`what is kept contradicts itself: ${(error as Error).message}`)
  }
  return wrong
}

/** An Idempotency-Key leads to a task that is there, or was. */
function ofKey(contents: Contents, key: string): string[] {
  const [text] = contents.list(key)
  const taskId = text!.split(' ')[1]!
  const isBuried = contents.keys.some((name) => name.startsWith('tomb:'))
  return contents.done.has(taskId) || isBuried ? [] : [`${key} leads to ${taskId}, which is not there`]
}

function ofDeliveries(contents: Contents, taskId: string): string[] {
  if (!contents.done.has(taskId)) return [`deliveries are kept of ${taskId}, which is not there`]
  return contents
    .list(`dlvs:${taskId}`)
    .filter((id) => contents.list(`dlv:${id}`).length === 0)
    .map((id) => `the delivery ${id} of ${taskId} is not there`)
}
