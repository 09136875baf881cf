import { CREATED_WORDS, isEnded, OPERATION_WORDS, SEE_OTHER_WORDS } from '@accepted/contract'
import {
  type DocumentFrame,
  documentFrame,
  type Estimate,
  framedDocument,
  type Rendering,
  type TaskRecord,
  taskDocument,
  timestamp,
} from '@accepted/core'
import { type RetryBounds, retryAfterSeconds, waitSeconds } from './retry-after.ts'

/** The ways in which a task can be told; docs/contract.md has the table. */
export const STYLES = ['monitor', 'created', 'see-other', 'operation'] as const
export type StyleName = (typeof STYLES)[number]

export function isStyle(name: string | undefined): name is StyleName {
  return (STYLES as readonly (string | undefined)[]).includes(name)
}

/** A task with what is estimated of it, at a moment on Redis's clock. */
export interface TaskView {
  task: TaskRecord
  estimate: Estimate
  nowMs: number
}

/** What the styles need to know of where they are used. */
export interface StyleContext {
  /** Base of absolute links, without a slash at its end. */
  publicUrl: string
  bounds: RetryBounds
}

/** An answer in a style. */
export interface StyledAnswer {
  status: number
  headers: Record<string, string>
  /** JSON text. */
  body: string
}

const RENDERINGS: Record<Exclude<StyleName, 'operation'>, Rendering> = {
  monitor: {},
  created: { words: CREATED_WORDS, emptyResult: '{}', selfQuery: '?style=created' },
  'see-other': { words: SEE_OTHER_WORDS, selfQuery: '?style=see-other' },
}

/** Where a task is read in a style. */
export function pathOf(taskId: string, style: StyleName): string {
  return style === 'monitor' ? `/tasks/${taskId}` : `/tasks/${taskId}?style=${style}`
}

/** The seconds of `Retry-After` and, before its bounds, of `Wait`. */
export function hintsOf({ task, estimate, nowMs }: TaskView, bounds: RetryBounds) {
  // What a task waits for that is being undone, or awaits confirmation, has nothing to do with how long it took before.
  const since = ['pending', 'running'].includes(task.status) ? task.createdMs : task.updatedMs
  const wait = waitSeconds(estimate.soonestMs, Math.max(0, nowMs - since))
  return { wait, retryAfter: retryAfterSeconds(wait, bounds) }
}

/** Frames of open tasks' documents, as long as their records are kept: most polls find the task as it was. */
const FRAMES: Record<Exclude<StyleName, 'operation'>, WeakMap<TaskRecord, DocumentFrame>> = {
  monitor: new WeakMap(),
  created: new WeakMap(),
  'see-other': new WeakMap(),
}

/** The answer to a read of a task: a pure function of the task, by its style. */
export function answerOf(style: StyleName, view: TaskView, context: StyleContext): StyledAnswer {
  const { task } = view
  const ended = isEnded(task.status)
  const { status, headers } = ended ? endedAnswer(style, task) : openAnswer(style, view, context)
  return {
    status,
    headers: { ...commonHeaders(style, task), ...headers },
    body:
      ended || style === 'operation'
        ? bodyOf(style, view, context.publicUrl)
        : framedDocument(openFrame(style, task), view.estimate),
  }
}

/** The answer to an act on a task, whose status code the act decides: what a read would say, and where it could be had. */
export function actionAnswer(style: StyleName, view: TaskView, context: StyleContext): StyledAnswer {
  const answer = answerOf(style, view, context)
  const self = style === 'operation' ? `/operations/${view.task.taskId}` : pathOf(view.task.taskId, style)
  return { ...answer, headers: { ...answer.headers, 'content-location': self } }
}

function openFrame(style: keyof typeof FRAMES, task: TaskRecord): DocumentFrame {
  const known = FRAMES[style].get(task)
  if (known) return known
  const frame = documentFrame(task, RENDERINGS[style])
  FRAMES[style].set(task, frame)
  return frame
}

/** The document of a task in a style, as JSON text. */
export function bodyOf(style: StyleName, { task, estimate }: TaskView, publicUrl: string): string {
  if (style === 'operation') return operationDocument(task, publicUrl)
  const rendering = RENDERINGS[style]
  // `result: {}` stands for "none yet", not for the null that an ended task may have.
  return taskDocument(
    task,
    estimate,
    isEnded(task.status) ? { ...rendering, emptyResult: 'null' } : rendering,
  )
}

function openAnswer(style: StyleName, view: TaskView, { publicUrl, bounds }: StyleContext) {
  const { taskId } = view.task
  const { wait, retryAfter } = hintsOf(view, bounds)
  const hint = { 'retry-after': String(retryAfter) }
  switch (style) {
    case 'monitor':
      return { status: 202, headers: { location: pathOf(taskId, style), ...hint } }
    case 'created':
      return { status: 202, headers: { location: pathOf(taskId, style), wait: String(wait), ...hint } }
    case 'see-other':
      return { status: 200, headers: hint }
    case 'operation':
      return { status: 200, headers: { 'operation-location': `${publicUrl}/operations/${taskId}`, ...hint } }
  }
}

function endedAnswer(style: StyleName, { status, resource }: TaskRecord) {
  if (status !== 'completed' || !resource || style === 'operation') return { status: 200, headers: {} }
  return { status: style === 'created' ? 201 : 303, headers: { location: resource } }
}

function commonHeaders(style: StyleName, task: TaskRecord): Record<string, string> {
  const self = style === 'operation' ? `/operations/${task.taskId}` : pathOf(task.taskId, style)
  return {
    etag: etagOf(task, style),
    'cache-control': 'private, no-cache',
    vary: 'Prefer, Accept',
    link: `<${self}>; rel="self"`,
    ...(task.expiresMs === null ? {} : { sunset: new Date(task.expiresMs).toUTCString() }),
  }
}

/** The words of pollers that know a `status` of succeeded, failed or canceled, and a `resourceLocation`. */
export function operationDocument(task: TaskRecord, publicUrl: string): string {
  const members = {
    id: task.taskId,
    status: OPERATION_WORDS[task.status],
    createdDateTime: timestamp(task.createdMs),
    lastActionDateTime: timestamp(task.updatedMs),
    percentComplete: task.progress,
    ...(task.resource ? { resourceLocation: `${publicUrl}${task.resource}` } : {}),
    ...(task.error ? { error: { code: task.error.code, message: task.error.message } } : {}),
  }
  const text = JSON.stringify(members)
  if (task.status !== 'completed' || task.resource || task.result === undefined) return text
  return `${text.slice(0, -1)},"result":${task.result}}`
}

/** The entity tag of a task in a style. */
export function etagOf({ version }: TaskRecord, style: StyleName): string {
  return `W/"${version}-${style}"`
}

/** Whether an `If-None-Match` field names this entity tag, by weak comparison (RFC 9110 §13.1.2). */
export function namesTag(field: string | undefined, etag: string): boolean {
  if (field === undefined) return false
  if (field.trim() === '*') return true
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '')
  return (field.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === opaque(etag))
}
