import { isDeepStrictEqual } from 'node:util'
import { type EndedStatus, isEnded } from '@accepted/contract'
import type { TaskRecord } from '@accepted/core'

/** What an event of a task is called; docs/contract.md has the table. */
export type TaskEventName = EndedStatus | 'awaiting_confirmation' | 'started' | 'progress' | 'update'

/**
 * The name of the event that tells of a task.
 *
 * @param before as the stream last told of it; null if this is its first event
 */
export function eventName(before: TaskRecord | null, now: TaskRecord): TaskEventName {
  if (isEnded(now.status) || now.status === 'awaiting_confirmation') return now.status
  if (now.status === 'running' && before?.beganMs !== now.beganMs) return 'started'
  return before && hasOnlyProgressed(before, now) ? 'progress' : 'update'
}

function hasOnlyProgressed(before: TaskRecord, now: TaskRecord): boolean {
  const { version, progress, updatedMs } = now
  return isDeepStrictEqual({ ...before, version, progress, updatedMs }, now)
}

/** An event in the form of `text/event-stream`. @param document JSON text; its line breaks are no part of its values */
export function eventText(name: TaskEventName, version: number, document: string): string {
  return `id: ${version}\nevent: ${name}\ndata: ${document.replace(/[\r\n]+/g, ' ')}\n\n`
}

/** The version that a `Last-Event-ID` names; null if it names none. */
export function lastEventVersion(field: string | undefined): number | null {
  return field !== undefined && /^[1-9]\d{0,14}$/.test(field) ? Number(field) : null
}
