import type { TaskRecord } from '@accepted/core'
import type { Receipt } from '../soak/receiver.ts'
import { isOver, type Order } from './orders.ts'

/** What exists at the end, once all has come to rest. */
export interface Remains {
  tasks: readonly TaskRecord[]
  /** As `GET /cars` has them. */
  cars: readonly { car_id: string; make: string; reserved_by: string | null }[]
  /** The resources of reports that could not be fetched as a PDF. */
  brokenReports: readonly string[]
  /** The tasks of which the API says that they were there. */
  gone: ReadonlySet<string>
  /** How often workers were told that a step is recorded as finished, by step and task. */
  finishedSteps: ReadonlyMap<string, number>
  /** Tasks of which an API said that it could not take them back any more, though their clients had been refused. */
  notTakenBack: ReadonlySet<string>
}

/** The only way of failing that a storm of faults excuses: a task that lost its worker thrice without getting on. */
const EXCUSED = 'worker_lost'
const EXCUSING_LOSSES = 3
/** Orders of which nothing in the task itself tells. */
const UNMARKED: Readonly<Record<string, Order['kind']>> = { 'car.read': 'read', 'report.export': 'report' }

/** Holds what exists against what clients were told. @returns what is wrong, in words */
export function audit(
  orders: readonly Order[],
  { tasks, cars, brokenReports, finishedSteps, notTakenBack, gone }: Remains,
): string[] {
  const byId = new Map(tasks.map((task) => [task.taskId, task]))
  const byMarker = Map.groupBy(tasks, markerOf)
  const wrong = [
    ...orders.flatMap((order) => auditOrder(order, byId, byMarker, { notTakenBack, gone })),
    ...auditUnmarked(orders, tasks, notTakenBack),
    ...tasks.flatMap(auditTask),
    ...[...finishedSteps]
      .filter(([, times]) => times > 1)
      .map(([step, times]) => `the step ${step} was finished ${times} times`),
    ...auditCars(tasks, cars),
    ...brokenReports.map((path) => `${path} is no PDF`),
  ]
  const reserved = tasks.filter(
    ({ operation, status }) => operation === 'car.reserve' && status === 'completed',
  )
  const holders = reserved.map(markerOf).sort()
  const held = cars.flatMap(({ reserved_by }) => reserved_by ?? []).sort()
  if (holders.join() !== held.join())
    wrong.push(`cars are held by ${differences(held, holders)}, whose reservations say otherwise`)
  return wrong
}

/** Reservations that were confirmed though their receivers were never asked to: the message did not come. */
export function unasked(
  tasks: readonly TaskRecord[],
  receipts: readonly Pick<Receipt, 'taskId' | 'event' | 'taken'>[],
): string[] {
  const asked = receipts.filter(({ event, taken }) => event === 'awaiting_confirmation' && taken > 0)
  const askedOf = new Set(asked.map(({ taskId }) => taskId))
  return tasks
    .filter(({ operation, status }) => operation === 'car.reserve' && status === 'completed')
    .filter(({ head, taskId }) => head.callback && !askedOf.has(taskId))
    .map(({ taskId }) => `the message awaiting_confirmation of ${taskId} never came`)
}

/** What its client wrote into a task; '' if there was no room for it. */
export function markerOf({ operation, body }: TaskRecord): string {
  if (operation === 'car.build') return (JSON.parse(body!) as { make: string }).make
  if (operation === 'car.reserve') return (JSON.parse(body!) as { customer: string }).customer
  return ''
}

function auditOrder(
  { marker, kind, key, answer, taskId, done, deleteAsked, seen }: Order,
  byId: ReadonlyMap<string, TaskRecord>,
  byMarker: ReadonlyMap<string, TaskRecord[]>,
  { notTakenBack, gone }: Pick<Remains, 'notTakenBack' | 'gone'>,
): string[] {
  const wrong: string[] = []
  const made = byMarker.get(marker) ?? []
  if (made.length > 1)
    wrong.push(`${marker} was made ${made.length} times, ${key ? 'under one key' : 'asked once'}`)
  // What had been begun when only the answer got lost is canceled once it can be.
  const stays = ({ taskId, status }: TaskRecord) => status !== 'canceled' && !notTakenBack.has(taskId)
  if (answer === 'refused' && made.some(stays)) {
    wrong.push(`${marker} was refused, and ${made[0]!.taskId} is ${made[0]!.status}`)
  }
  if (answer !== 'accepted') return wrong

  const task = byId.get(taskId!)
  if (done.has('delete') && task) return [...wrong, `${taskId} is there though it was deleted`]
  if (!task && deleteAsked && gone.has(taskId!)) return wrong
  if (!task) return [...wrong, `${taskId} (${kind}) was accepted and is lost`]
  if (made.length > 0 && made[0] !== task) wrong.push(`${taskId} is not what ${marker} ordered`)
  if (seen && seen.version > task.version)
    wrong.push(`${taskId}: version ${seen.version} was seen, its record has ${task.version}`)
  if (seen && isOver(seen.status) && seen.status !== task.status)
    wrong.push(`${taskId} was seen ${seen.status}, its record is ${task.status}`)
  if (done.has('confirm') && task.status !== 'completed')
    wrong.push(`${taskId} was confirmed and is ${task.status}`)
  if (done.has('cancel') && task.status !== 'canceled')
    wrong.push(`${taskId} was canceled and is ${task.status}`)
  return wrong
}

function auditTask({
  taskId,
  operation,
  status,
  reason,
  error,
  steps,
  attempts,
  head,
}: TaskRecord): string[] {
  if (!isOver(status)) return [`${taskId} (${operation}) is ${status}`]
  const wrong: string[] = []
  const losses = attempts.filter((attempt) => attempt.error?.code === EXCUSED).length
  if (status === 'failed' && (reason !== EXCUSED || losses < EXCUSING_LOSSES)) {
    wrong.push(`${taskId} (${operation}) failed: ${reason}, ${error?.code}: ${error?.message}`)
  }
  if (status === 'canceled' && reason !== 'client')
    wrong.push(`${taskId} (${operation}) was canceled: ${reason}`)
  const open = attempts.filter(({ endedMs }) => endedMs === null)
  if (open.length > 0) wrong.push(`${taskId} has ended, and its attempt ${open[0]!.attempt} has not`)
  const states = head.steps.map((name) => `${name} ${steps.get(name)?.state}`)
  if (status === 'completed' && states.some((state) => !state.endsWith(' finished')))
    wrong.push(`${taskId} is completed, with ${states.join(', ')}`)
  return wrong
}

/** Tasks that no client was told of can only be those of orders to which an answer did not come, one each, or be canceled. */
function auditUnmarked(
  orders: readonly Order[],
  tasks: readonly TaskRecord[],
  notTakenBack: ReadonlySet<string>,
): string[] {
  const told = new Set([...orders.map(({ taskId }) => taskId), ...notTakenBack])
  return Object.entries(UNMARKED).flatMap(([operation, kind]) => {
    const nobodys = tasks.filter(
      (task) => task.operation === operation && task.status !== 'canceled' && !told.has(task.taskId),
    )
    const unknown = orders.filter((order) => order.kind === kind && order.answer === 'unknown').length
    if (nobodys.length <= unknown) return []
    return [`${nobodys.length} tasks of ${operation} are nobody's, with ${unknown} orders that got no answer`]
  })
}

/** Each car that was built is there once, and no other. */
function auditCars(tasks: readonly TaskRecord[], cars: Remains['cars']): string[] {
  const built = tasks.filter(({ operation, status }) => operation === 'car.build' && status === 'completed')
  const ordered = built.map((task) => `${task.resource} of ${markerOf(task)}`).sort()
  const there = cars.map(({ car_id, make }) => `/cars/${car_id} of ${make}`).sort()
  if (ordered.join() === there.join()) return []
  return [`built and there are not the same cars: ${differences(ordered, there)}`]
}

function differences(one: readonly string[], other: readonly string[]): string {
  const only = [
    ...one.filter((item) => !other.includes(item)),
    ...other.filter((item) => !one.includes(item)),
  ]
  return `${only.slice(0, 5).join(', ')} (${only.length} in all; ${one.length} against ${other.length})`
}
