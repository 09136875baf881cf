import { type Static, Type } from 'typebox'
import { Nullable, Timestamp, Uuid7 } from './schemas.ts'
import { CALLBACK_EVENTS, END_REASONS, OneOf, PRIORITY, STEP_STATES, TASK_STATUSES } from './status.ts'

/** Why a task failed or was canceled, or why one attempt failed. */
export const TaskError = Type.Object(
  {
    type: Type.String({
      format: 'uri-reference',
      description: 'Leads to an explanation of this kind of error',
    }),
    title: Type.String({ description: 'The kind of error in words' }),
    code: Type.String({ description: 'Stable slug' }),
    message: Type.String({ description: 'Written for callers; never a stack trace' }),
  },
  { description: 'Why it failed' },
)
export type TaskError = Static<typeof TaskError>

const Attempt = Type.Object({
  attempt: Type.Integer({ minimum: 1, description: '1 for the first' }),
  started_at: Timestamp('When a worker took it'),
  ended_at: Nullable(Timestamp('When it ended')),
  error: Nullable(TaskError),
})

const Link = Type.Object({
  rel: Type.String({
    description:
      'Relation: `self`, `events`, `cancel`, `confirm`, `deliveries`, or the collection of the resource that was made',
  }),
  href: Type.String({ format: 'uri-reference', description: 'Relative to this API' }),
  method: Type.String({ pattern: '^[A-Z]+$', description: 'HTTP method to use' }),
})

const RequestEcho = Type.Object(
  {
    resource: Type.String({ description: 'Path of the request' }),
    verb: Type.String({ description: 'Its method' }),
    header: Type.Record(Type.String(), Type.String(), {
      description: 'Header fields of the request that may be shown',
    }),
    body: Type.Optional(Type.Unknown({ description: 'The body as it was sent; absent in lists' })),
  },
  { description: 'The request that started the task' },
)

/** The members of a task document that every style in the task family shares. */
const members = {
  task_id: Uuid7('The task'),
  operation: Type.String({ description: 'Name of the operation', examples: ['car.build'] }),
  version: Type.Integer({ minimum: 1, description: 'Grows by one at every change that is shown' }),
  reason: Nullable(OneOf(END_REASONS, 'Why it failed or was canceled')),
  progress: Type.Integer({ minimum: 0, maximum: 100, description: 'Percent' }),
  eta: Nullable(Type.Integer({ minimum: 0, description: 'Seconds to the end, an estimate; null: unknown' })),
  queue_position: Nullable(Type.Integer({ minimum: 0, description: '0-based, while pending' })),
  workflow: Type.Record(Type.String(), OneOf(STEP_STATES, 'State of the step'), {
    description: 'The steps in declared order',
  }),
  request: RequestEcho,
  result: Type.Optional(Type.Unknown({ description: 'What the operation returned; absent in lists' })),
  resource: Nullable(Type.String({ description: 'Path of the resource that was made' })),
  error: Nullable(TaskError),
  attempt: Type.Integer({ minimum: 0, description: 'The current or last attempt; 0: none yet' }),
  max_attempts: Type.Integer({ minimum: 1, description: 'How many attempts it may have' }),
  attempts: Type.Array(Attempt, { maxItems: 10, description: 'The last 10' }),
  priority: Type.Integer({
    minimum: PRIORITY.highest,
    maximum: PRIORITY.lowest,
    description: 'As `Task-Priority` asked for it; 0 first',
  }),
  callback_url: Nullable(
    Type.String({
      format: 'uri',
      description: 'Where its callbacks go, without its query; null: it has none',
    }),
  ),
  callback_events: Type.Array(OneOf(CALLBACK_EVENTS, 'What a callback tells of'), {
    description: 'Of what they tell',
  }),
  created_at: Timestamp('When it was accepted'),
  started_at: Nullable(Timestamp('When work on it first began')),
  updated_at: Timestamp('When it last changed'),
  finished_at: Nullable(Timestamp('When it ended')),
  deadline: Nullable(Timestamp('When it is canceled if it has not ended')),
  confirm_by: Nullable(Timestamp('While it awaits confirmation: when that comes too late')),
  expires_at: Nullable(Timestamp('From then on it answers 410')),
  links: Type.Array(Link, { description: 'What can be done now' }),
}

/** A running task, as the documentation shows one. */
export const TASK_EXAMPLE = {
  task_id: '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
  operation: 'car.build',
  version: 5,
  status: 'running',
  reason: null,
  progress: 33,
  eta: 3,
  queue_position: null,
  workflow: { stamp: 'finished', weld: 'in progress', paint: 'not started' },
  request: {
    resource: '/cars',
    verb: 'POST',
    header: { 'content-type': 'application/json' },
    body: { brand: 'Ford', make: 'Mustang', model: 2014, color: 'Blue' },
  },
  result: null,
  resource: null,
  error: null,
  attempt: 1,
  max_attempts: 3,
  attempts: [{ attempt: 1, started_at: '2026-11-21T10:00:00.012Z', ended_at: null, error: null }],
  priority: 3,
  callback_url: 'https://shop.example/hook',
  callback_events: ['awaiting_confirmation', 'completed', 'failed', 'canceled'],
  created_at: '2026-11-21T10:00:00.000Z',
  started_at: '2026-11-21T10:00:00.012Z',
  updated_at: '2026-11-21T10:00:01.514Z',
  finished_at: null,
  deadline: null,
  confirm_by: null,
  expires_at: null,
  links: [
    { rel: 'self', href: '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b', method: 'GET' },
    { rel: 'events', href: '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b/events', method: 'GET' },
    { rel: 'cancel', href: '/tasks/0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b/cancel', method: 'POST' },
  ],
}

/** The task document in canonical words. */
export const Task = Type.Object(
  { status: OneOf(TASK_STATUSES, 'State of the task'), ...members },
  {
    $id: 'Task',
    title: 'Task',
    description: 'A request of an operation, and how it goes',
    examples: [TASK_EXAMPLE],
  },
)
export type Task = Static<typeof Task>

/** The words of the style `created`. */
export const CREATED_WORDS = {
  pending: 'not started',
  running: 'active',
  awaiting_confirmation: 'active',
  canceling: 'active',
  completed: 'finished',
  failed: 'failed',
  canceled: 'canceled',
} as const

/** The words of the style `see-other`. */
export const SEE_OTHER_WORDS = {
  pending: 'PENDING',
  running: 'IN_PROGRESS',
  awaiting_confirmation: 'IN_PROGRESS',
  canceling: 'IN_PROGRESS',
  completed: 'COMPLETED',
  failed: 'FAILED',
  canceled: 'CANCELED',
} as const

/** The words of the style `operation`. */
export const OPERATION_WORDS = {
  pending: 'notStarted',
  running: 'running',
  awaiting_confirmation: 'running',
  canceling: 'running',
  completed: 'succeeded',
  failed: 'failed',
  canceled: 'canceled',
} as const

const distinct = <T extends string>(words: Record<string, T>) => [...new Set(Object.values(words))] as T[]

/** A task document whose `status` may be in the words of any style of the task family. */
export const StyledTask = Type.Object(
  {
    status: OneOf(
      [...new Set([...TASK_STATUSES, ...distinct(CREATED_WORDS), ...distinct(SEE_OTHER_WORDS)])],
      'State of the task, in the words of the chosen style',
    ),
    ...members,
  },
  {
    $id: 'StyledTask',
    title: 'Task in the words of a style',
    description: 'The styles `monitor`, `created` and `see-other` differ in the words of `status`',
    examples: [TASK_EXAMPLE],
  },
)

/** The document of the style `operation`. */
export const OperationDocument = Type.Object(
  {
    id: Uuid7('The task'),
    status: OneOf(distinct(OPERATION_WORDS), 'State in the words of this style'),
    createdDateTime: Timestamp('When it was accepted'),
    lastActionDateTime: Timestamp('When it last changed'),
    percentComplete: Type.Integer({ minimum: 0, maximum: 100, description: 'Percent' }),
    resourceLocation: Type.Optional(
      Type.String({ format: 'uri', description: 'Absolute URL of the resource that was made' }),
    ),
    result: Type.Optional(Type.Unknown({ description: 'What a data-only operation returned' })),
    error: Type.Optional(
      Type.Object(
        {
          code: Type.String({ description: 'Stable slug' }),
          message: Type.String({ description: 'Written for callers; never a stack trace' }),
        },
        { description: 'Why it failed' },
      ),
    ),
  },
  {
    $id: 'Operation',
    title: 'Operation',
    description: 'A task in the words of the `operation` style',
    examples: [
      {
        id: TASK_EXAMPLE.task_id,
        status: 'running',
        createdDateTime: TASK_EXAMPLE.created_at,
        lastActionDateTime: TASK_EXAMPLE.updated_at,
        percentComplete: TASK_EXAMPLE.progress,
      },
    ],
  },
)

/** A page of `GET /operations`. */
export const OperationList = Type.Object(
  {
    value: Type.Array(Type.Ref('Operation'), { description: 'Newest first' }),
    nextLink: Type.Optional(Type.String({ format: 'uri', description: 'The next page; absent on the last' })),
  },
  { $id: 'OperationList', title: 'Page of operations', description: 'One page of the list, newest first' },
)

/** The members of every problem (RFC 9457, and what this API adds) but the numeric `status`. */
const problemMembers = {
  type: Type.String({ format: 'uri', description: 'Leads to an explanation of this kind of problem' }),
  title: Type.String({ description: 'The kind of problem in words' }),
  detail: Type.String({ description: 'What is wrong with this request' }),
  code: Type.String({ pattern: '^[a-z_]+$', description: 'The kind of problem: a stable slug' }),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        pointer: Type.Optional(Type.String({ description: 'JSON Pointer into the body: `#/start_date`' })),
        query: Type.Optional(Type.String({ description: 'Query or path parameter at fault' })),
        header: Type.Optional(Type.String({ description: 'Header field at fault, in lower case' })),
        line: Type.Optional(
          Type.Integer({ minimum: 1, description: 'Line of an NDJSON body; `pointer` leads into it' }),
        ),
        detail: Type.String({ description: 'What is wrong there' }),
      }),
      { description: 'Where the input is at fault' },
    ),
  ),
  links: Type.Optional(Type.Array(Link, { description: 'What can be done instead' })),
  quota: Type.Optional(Type.String({ description: 'The quota that is used up' })),
  limit: Type.Optional(Type.Integer({ minimum: 0, description: 'What it allows' })),
  used: Type.Optional(Type.Integer({ minimum: 0, description: 'What is used of it' })),
  task_status: Type.Optional(OneOf(TASK_STATUSES, 'Of an expired or unended task: its status')),
  reason: Type.Optional(
    Nullable(Type.String({ description: 'Of an expired task: why it failed or was canceled' })),
  ),
  finished_at: Type.Optional(Timestamp('Of an expired task: when it ended')),
  resource: Type.Optional(
    Nullable(
      Type.String({ description: 'Of an expired task: path of the resource that it made, which lives on' }),
    ),
  ),
}

/** RFC 9457, with the members that this API adds. */
export const Problem = Type.Object(
  { ...problemMembers, status: Type.Integer({ minimum: 400, maximum: 599, description: 'The HTTP status' }) },
  { $id: 'Problem', title: 'Problem', description: 'RFC 9457 problem details' },
)
export type Problem = Static<typeof Problem>

/** A problem under `/operations`: pollers of that family take a numeric `status` for a task's. */
export const OperationProblem = Type.Object(problemMembers, {
  $id: 'OperationProblem',
  title: 'Problem under /operations',
  description: 'RFC 9457 problem details, without the numeric `status`',
})
