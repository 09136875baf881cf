import type { EndedStatus, EndReason } from '@accepted/contract'
import {
  byTurn,
  closeAttempt,
  cutOff,
  decide,
  type Kind,
  type ModelTask,
  newTask,
  type StepLetter,
  shareOf,
  timersOf,
  undoable,
} from './model-task.ts'

/** Terms that the store is run with, in ms. They end in 8 s, or 4 s, and time passes by tens: nothing is due just at a leap. */
export const RETENTION_MS = 68_000
export const TOMBSTONE_MS = 95_000
export const RUN_MS = 28_000
export const GRACE_MS = 10_000
const LEASE_MS = 8_000
const SAY_MS = 2_000
const AWAY_MS = 2_000
const MAX_LOSSES = 3
const SUSPECTS = '~suspects'

export interface ModelEnding {
  status: EndedStatus
  reason: EndReason | null
}

/** The picture of a task's life, without Redis: what each act makes of it. */
export class Model {
  clock = 0
  readonly tasks: ModelTask[] = []
  readonly keys = new Map<string, { task: ModelTask; fingerprint: string }>()
  /** Running caps, by tenant; infinite where one was taken away. */
  readonly caps = new Map<string, number>()
  #ticked = Number.NEGATIVE_INFINITY
  #leasesHoldUntil = Number.NEGATIVE_INFINITY

  create(id: string, tenant: string, priority: number, kind: Kind): ModelTask {
    const task = newTask({ ...kind, id, tenant, priority, number: this.tasks.length, created: this.clock })
    this.tasks.push(task)
    return task
  }

  /** Tasks that a claim may give: the first of each flow that may run one more. */
  claimable(): ModelTask[] {
    return this.#flows().flatMap(({ tasks, room }) => (room > 0 ? [tasks.sort(byTurn)[0]!] : []))
  }

  /** Those that a program may give which knows none of caps. */
  claimableUncapped(): ModelTask[] {
    const suspected = this.tasks.some(({ place, flow }) => place === 'held' && flow === SUSPECTS)
    return this.#flows().flatMap(({ flow, tasks }) =>
      flow === SUSPECTS && suspected ? [] : [tasks.sort(byTurn)[0]!],
    )
  }

  /** How many tasks could be claimed now, one after the other. */
  claimableTasks(): number {
    return this.#flows().reduce((sum, { tasks, room }) => sum + Math.max(0, Math.min(tasks.length, room)), 0)
  }

  /** The waiting tasks of each flow, and how many more it may run. */
  #flows(): { flow: string; tasks: ModelTask[]; room: number }[] {
    const waiting = this.tasks.filter(({ place }) => place === 'flow')
    return [...Map.groupBy(waiting, ({ flow }) => flow)].map(([flow, tasks]) => {
      const running = this.tasks.filter((task) => task.place === 'held' && task.flow === flow).length
      const cap = flow === SUSPECTS ? 1 : (this.caps.get(flow) ?? Number.POSITIVE_INFINITY)
      return { flow, tasks, room: cap - running }
    })
  }

  /** Why a task that waits must not start any more. */
  overdue(task: ModelTask): EndReason | null {
    if (task.status !== 'pending' || task.place !== 'flow') return null
    if (task.totalMs !== null && this.clock >= task.created + task.totalMs) return 'deadline'
    const late = task.startMs !== null && this.clock >= task.created + task.startMs
    return late && !task.started ? 'start_timeout' : null
  }

  claim(task: ModelTask): void {
    task.token += 1
    task.place = 'held'
    task.began = this.clock
    this.lease(task)
    if (task.status === 'canceling') return
    task.status = 'running'
    task.started = true
    task.attempt += 1
    task.attempts.push({ attempt: task.attempt, open: true, error: null })
  }

  lease(task: ModelTask): void {
    task.due = Math.min(this.clock + LEASE_MS, task.began + RUN_MS + GRACE_MS + SAY_MS)
  }

  step(task: ModelTask, name: string, written: StepLetter): void {
    const doubted = task.doubted.has(name)
    const letter = doubted && written === 'd' ? 'q' : doubted && written === 'x' ? 'y' : written
    if (task.steps.get(name) === letter) return
    task.steps.set(name, letter)
    if ('fuv'.includes(letter)) {
      task.doubted.delete(name)
      task.losses = 0
    }
    if (letter === 'v') task.undos = 0
    if (letter !== 'f' && letter !== 'u') return
    task.finishedSteps += 1
    task.progress = Math.max(task.progress, shareOf(task))
  }

  /** A held task waits again; `delayMs`: among the timers. */
  requeue(
    task: ModelTask,
    {
      flow = task.flow,
      counts,
      delayMs,
      error,
    }: { flow?: string; counts: boolean; delayMs?: number; error: string | null },
  ): void {
    closeAttempt(task, error)
    if (task.status === 'canceling') {
      cutOff(task, 'b')
      if (counts) task.undos += 1
    } else {
      task.status = 'pending'
      if (!counts) task.attempt -= 1
      task.progress = shareOf(task)
      for (const [name, letter] of task.steps) {
        if (letter === 'b') task.steps.delete(name)
        if (letter === 'd' || letter === 'q') {
          task.steps.set(name, 'p')
          task.doubted.add(name)
        }
      }
    }
    task.flow = flow
    task.place = delayMs === undefined ? 'flow' : 'retry'
    task.due = this.clock + (delayMs ?? 0)
  }

  /** What becomes of an attempt, or an undo, that is over. Resolves to whether its holder is to undo. */
  settle(task: ModelTask, { status, reason }: ModelEnding): boolean {
    const canceling = task.status === 'canceling'
    if (reason !== 'revert_failed' && undoable(task) && (canceling || status === 'failed')) {
      if (!canceling) decide(task, 'failed', reason!)
      closeAttempt(task, task.reason)
      cutOff(task, 'b')
      task.token += 1
      task.began = this.clock
      this.lease(task)
      return true
    }
    if (canceling && reason !== 'revert_failed') this.#end(task, task.endsAs!, task.reason)
    else if (status === 'completed' && task.confirmMs !== null) {
      closeAttempt(task, null)
      task.status = 'awaiting_confirmation'
      task.place = 'none'
      task.confirmBy = this.clock + task.confirmMs
    } else this.#end(task, status, reason)
    return false
  }

  cancel(task: ModelTask, reason: EndReason): void {
    if (task.status === 'running') decide(task, 'canceled', reason)
    else this.#abandon(task, 'canceled', reason, task.flow)
  }

  /** Resolves to whether it was confirmed: it is not if that comes too late. */
  confirm(task: ModelTask): boolean {
    const overall = task.totalMs !== null && this.clock >= task.created + task.totalMs
    const late = overall ? 'deadline' : this.clock >= task.confirmBy! ? 'unconfirmed' : null
    if (late) this.cancel(task, late)
    else this.#end(task, 'completed', null)
    return !late
  }

  /** @param watched as if somebody had ticked all the while */
  passTime(ms: number, watched: boolean): void {
    this.clock += ms
    if (watched) this.#ticked = this.clock
  }

  tick(): void {
    if (this.clock - this.#ticked > AWAY_MS) this.#leasesHoldUntil = this.clock + LEASE_MS
    this.#ticked = this.clock
    const due = this.tasks
      .flatMap((task) => timersOf(task).map((timer) => ({ task, ...timer })))
      .filter(({ at }) => at <= this.clock)
      .sort((a, b) => a.at - b.at)
    for (const { task, kind } of due) {
      if (!timersOf(task).some((timer) => timer.kind === kind)) continue
      if (kind === 'retry') task.place = 'flow'
      else if (kind === 'lease') this.#lose(task)
      else this.cancel(task, kind)
    }
  }

  #lose(task: ModelTask): void {
    if (this.clock < this.#leasesHoldUntil) {
      task.due = this.#leasesHoldUntil
      return
    }
    if (task.status === 'running' && this.clock >= task.began + RUN_MS) {
      if (task.attempt < task.maxAttempts)
        this.requeue(task, { flow: task.tenant, counts: true, error: 'run_timeout' })
      else this.#abandon(task, 'failed', 'run_timeout', task.tenant)
      return
    }
    if (task.status === 'canceling' && !undoable(task)) {
      this.#end(task, task.endsAs!, task.reason)
      return
    }
    task.losses += 1
    if (task.losses < MAX_LOSSES) {
      this.requeue(task, {
        flow: task.losses > 1 ? SUSPECTS : task.flow,
        counts: false,
        error: 'worker_lost',
      })
    } else if (task.status === 'running') this.#abandon(task, 'failed', 'worker_lost', SUSPECTS)
    else this.#end(task, 'failed', 'revert_failed')
  }

  #abandon(task: ModelTask, endsAs: EndedStatus, reason: EndReason, flow: string): void {
    if (!undoable(task)) this.#end(task, endsAs, reason)
    else {
      closeAttempt(task, reason)
      cutOff(task, 'b')
      decide(task, endsAs, reason)
      task.flow = flow
      task.place = 'flow'
    }
  }

  #end(task: ModelTask, status: EndedStatus, reason: EndReason | null): void {
    closeAttempt(task, reason)
    if (status !== 'completed' && reason !== 'revert_failed' && task.doubted.size > 0)
      throw new Error('what was cut off is finished or undone before its task ends')
    cutOff(task, 'b')
    for (const [name, letter] of task.steps) if ('dqr'.includes(letter)) task.steps.set(name, 'y')
    task.status = status
    task.reason = reason
    task.endsAs = null
    task.place = 'none'
    task.confirmBy = null
    task.undos = 0
    task.expires = this.clock + RETENTION_MS
    if (status === 'completed') task.progress = 100
  }
}
