import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { CALLBACK_LANE, CallbackMembers } from './callbacks.ts'

/** How long an operation waits between attempts: doubling from `firstMs` to at most `maxMs`, with jitter. */
export interface Backoff {
  firstMs: number
  maxMs: number
}

/** How long a task may take. What is not given is not limited. */
export interface Timeouts {
  /** From acceptance to the start of its first attempt; then it is canceled, `start_timeout`. */
  startSeconds?: number
  /** One attempt; then it is cut off and counts as failed, in the end `run_timeout`. Of undoing, one pass. */
  runSeconds: number
  /** From acceptance to the end; then it is canceled, `deadline`. `Cancel-After` can only tighten it. */
  totalSeconds?: number
  /** What a handler has to settle after its signal fired, before it is cut off. */
  graceSeconds: number
}

/**
 * The declaration of an operation: all that a caller, the API and the worker must know of it before any of its
 * code runs. Its schemas become the route's validation, the OpenAPI document and the handler's types.
 */
export interface OperationContract<
  Input extends TObject = TObject,
  Output extends TSchema = TSchema,
  Step extends string = string,
  Settings extends TObject = TObject,
> {
  /** `noun.verb`, lower case; also the name of the operation's folder. */
  readonly name: string
  /** `METHOD /path`; members of `input` may stand in the path as `{member}`. */
  readonly route: `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`
  readonly summary: string
  readonly description?: string
  /** Under which its route is listed in the API's description; the collection that its path is of, unless it says otherwise. */
  readonly tag?: string
  /**
   * Path members, then body members (or query members, for GET). Members that it does not name are refused,
   * unless the schema allows them itself. Those of `CallbackMembers` are no input: they are taken out of the body.
   */
  readonly input: Input
  /** What the handler returns; a result that breaks it ends the task as `failed`, `invalid_result`. */
  readonly output: Output
  /** Rules between members, that a schema cannot say. Each fault names the member at fault. */
  check?(input: Static<Input>): { member: string; detail: string }[]
  /** Path of the resource that a result made; none: the result is data only. */
  resource?(output: Static<Output>): string
  /** The `rel` of the link to that resource: the name of its collection. */
  readonly collection?: string
  /** Names of the steps, in order, as shown in `workflow`. */
  readonly steps: readonly Step[]
  /** Attempts before the task fails with `attempts_exhausted`; at least 1. */
  readonly attempts: number
  readonly backoff: Backoff
  readonly timeouts: Timeouts
  /** Its work, once done, waits for the client's word; if that does not come within this time, it is undone. */
  readonly confirm?: { withinSeconds: number }
  /** Tries of undoing, in a row without one step undone, before the task fails with `revert_failed`; at least 1. */
  readonly undoAttempts: number
  /** The lane whose slots its tasks share; the operation's own name unless it says otherwise. */
  readonly lane: string
  /** The route answers at once by itself, and starts a task only for `Prefer: respond-async`. */
  readonly immediate: boolean
  /** Environment variables that its handler reads: upper-case names, each with a default. */
  readonly settings: Settings
}

type Defaulted = 'steps' | 'attempts' | 'backoff' | 'undoAttempts' | 'lane' | 'immediate' | 'settings'

/** What `defineOperation` takes: an `OperationContract` in which what has a default may be left out. */
export type OperationSpec<
  Input extends TObject,
  Output extends TSchema,
  Step extends string,
  Settings extends TObject,
> = Omit<OperationContract<Input, Output, Step, Settings>, Defaulted | 'timeouts'> &
  Partial<Pick<OperationContract<Input, Output, Step, Settings>, Defaulted>> & {
    timeouts?: Partial<Timeouts>
  }

/**
 * Declares an operation. Defaults: no steps, 3 attempts of at most an hour, backoff 1 s doubling to 60 s, 5 s of grace,
 * 10 tries of undoing, a lane of its own.
 *
 * @throws {TypeError} in words, if the name, the route or the steps are not in form.
 */
export function defineOperation<
  Input extends TObject,
  Output extends TSchema,
  const Step extends string = never,
  Settings extends TObject = TObject<Record<never, never>>,
>(spec: OperationSpec<Input, Output, Step, Settings>): OperationContract<Input, Output, Step, Settings> {
  const fault = faultOf(spec)
  if (fault) throw new TypeError(`operation '${spec.name}': ${fault}`)
  return {
    steps: [],
    attempts: 3,
    backoff: { firstMs: 1_000, maxMs: 60_000 },
    undoAttempts: 10,
    lane: spec.name,
    immediate: false,
    settings: Type.Object({}) as unknown as Settings,
    ...spec,
    timeouts: { runSeconds: 3_600, graceSeconds: 5, ...spec.timeouts },
    input: { additionalProperties: false, ...spec.input },
  }
}

/** A year. */
const MOST_SECONDS = 365 * 24 * 60 * 60
/** What a timer can hold: some 24 days. */
const MOST_RUN_SECONDS = 2_147_483
const MOST_GRACE_SECONDS = 600

function faultOf(spec: OperationSpec<TObject, TSchema, string, TObject>): string | undefined {
  if (!isOperationName(spec.name)) return 'the name must look like noun.verb, of at most 100 characters'
  if (!/^[a-z][a-z0-9_.-]*$/.test(spec.lane ?? spec.name))
    return 'the lane must be lower-case letters, digits and . _ -'
  if (spec.lane === CALLBACK_LANE) return `the lane '${CALLBACK_LANE}' is taken`
  if (spec.attempts !== undefined && !(Number.isInteger(spec.attempts) && spec.attempts >= 1))
    return 'attempts must be a whole number of at least 1'
  if (spec.undoAttempts !== undefined && !(Number.isInteger(spec.undoAttempts) && spec.undoAttempts >= 1))
    return 'undoAttempts must be a whole number of at least 1'
  const { graceSeconds = 0, ...limits } = spec.timeouts ?? {}
  if (limits.runSeconds !== undefined && limits.runSeconds > MOST_RUN_SECONDS)
    return `runSeconds must be at most ${MOST_RUN_SECONDS}`
  const seconds = Object.entries({ ...limits, 'confirm.withinSeconds': spec.confirm?.withinSeconds })
  const faulty = seconds.find(([, limit]) => limit !== undefined && !(limit > 0 && limit <= MOST_SECONDS))
  if (faulty) return `${faulty[0]} must be more than 0 and at most ${MOST_SECONDS}`
  if (!(graceSeconds >= 0 && graceSeconds <= MOST_GRACE_SECONDS))
    return `graceSeconds must be 0 to ${MOST_GRACE_SECONDS}`
  const steps = spec.steps ?? []
  const odd = steps.find((step) => !/^[\x21-\x7e]{1,100}$/.test(step))
  if (odd !== undefined) return `the step '${odd}' must have 1 to 100 visible ASCII characters`
  if (new Set(steps).size !== steps.length) return 'two steps have the same name'
  const members = Object.keys(spec.input.properties)
  const stray = pathMembers(spec.route).find((member) => !members.includes(member))
  if (stray) return `the path names {${stray}}, which the input does not have`
  const taken = members.find((member) => member in CallbackMembers.properties)
  if (taken) return `the input's member '${taken}' is taken: it is an option of every start`
  if (spec.resource && !spec.collection) return 'a resource needs the name of its collection'
  return undefined
}

const NAME = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/
const NAME_MAX_CHARACTERS = 100

/** Whether a text may name an operation: `noun.verb`, lower case, at most 100 characters. */
export function isOperationName(text: string): boolean {
  return text.length <= NAME_MAX_CHARACTERS && NAME.test(text)
}

/** A JSON schema of the name of an operation. */
export const OperationName = (description: string) =>
  Type.String({
    pattern: NAME.source,
    maxLength: NAME_MAX_CHARACTERS,
    description,
    examples: ['car.build'],
  })

/** The names in braces of a route's path, in order. */
export function pathMembers(route: string): string[] {
  return [...route.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!)
}
