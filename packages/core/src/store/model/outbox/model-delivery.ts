import type { CallbackEvent, TaskStatus } from '@accepted/contract'

/** A task with callbacks as it should be: only what its deliveries depend on. Times in ms on the picture's clock. */
export interface ToldTask {
  id: string
  tenant: string
  /** Its endpoint. */
  flow: string
  events: ReadonlySet<CallbackEvent>
  confirms: boolean
  status: TaskStatus
  started: boolean
  progress: number
  /** The last delivery of its progress, and when that was or is due. */
  telling: ModelDelivery | null
  told: number
  /** Once it has ended. */
  expires: number | null
  /** In the order of their events. */
  deliveries: ModelDelivery[]
}

/** A delivery as it should be. */
export interface ModelDelivery {
  /** '' until the store has told it. */
  id: string
  task: ToldTask
  event: CallbackEvent
  /** The message, and when its event was by the store's clock; both are learnt when the event has just happened. */
  body: string
  eventMs: number
  fresh: boolean
  status: 'pending' | 'delivered' | 'failed'
  stage: number
  tries: number
  token: number
  losses: number
  /** Asked for while it was tried. */
  again: boolean
  /** Its client wants it, whatever has come since. */
  asked: boolean
  /** Where it is; `due`: when its timer is. */
  place: 'flow' | 'due' | 'posting' | 'over'
  due: number
  /** Its place in the flow: what was put there at one time by one call goes by id. */
  since: number
  call: number
}

/** What a recovery has done: how many are tried anew, and the last that it took at each endpoint. */
export interface ModelRecovery {
  /** Of no events before. */
  sinceMs: number
  tried: number
  taken: Map<string, Pick<ModelDelivery, 'eventMs' | 'id'>>
}

export function newDelivery(task: ToldTask, event: CallbackEvent): ModelDelivery {
  return {
    id: '',
    task,
    event,
    body: '',
    eventMs: 0,
    fresh: true,
    status: 'pending',
    stage: 0,
    tries: 0,
    token: 0,
    losses: 0,
    again: false,
    asked: false,
    place: 'over',
    due: 0,
    since: 0,
    call: 0,
  }
}

/** Progress of which there is newer word, or an end, is not worth telling. */
export function obsolete(delivery: ModelDelivery): boolean {
  const { task, event, asked } = delivery
  return event === 'progress' && !asked && (task.expires !== null || task.telling !== delivery)
}

/** Which of a flow is tried first. */
export function byPlace(a: ModelDelivery, b: ModelDelivery): number {
  return a.since - b.since || a.call - b.call || (a.id < b.id ? -1 : 1)
}

/** Which of the failed is tried anew first. */
export function byEvent(
  a: Pick<ModelDelivery, 'eventMs' | 'id'>,
  b: Pick<ModelDelivery, 'eventMs' | 'id'>,
): number {
  return a.eventMs - b.eventMs || (a.id < b.id ? -1 : Number(a.id > b.id))
}
