import type { Task } from '@accepted/contract'

/** An event as a reader of `text/event-stream` gets it; a comment has but its text. */
export interface SeenEvent {
  id?: string
  event?: string
  data?: string
  retry?: string
  comment?: string
}

/** The blocks of a stream of events, one by one. */
export async function* eventsOf(stream: AsyncIterable<Uint8Array | string>): AsyncGenerator<SeenEvent, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const part of stream) {
    rest += typeof part === 'string' ? part : decoder.decode(part, { stream: true })
    const blocks = rest.split('\n\n')
    rest = blocks.pop()!
    for (const block of blocks) yield seenEvent(block)
  }
}

function seenEvent(block: string): SeenEvent {
  return Object.fromEntries(
    block.split('\n').map((line) => {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line)!
      return [name || 'comment', value]
    }),
  )
}

/** The events of tasks among them: what they are called, and the task. */
export async function* taskEventsOf(
  stream: AsyncIterable<Uint8Array | string>,
): AsyncGenerator<{ name: string; task: Task }, void> {
  for await (const { id, event, data } of eventsOf(stream)) {
    if (data === undefined) continue
    const task = JSON.parse(data) as Task
    if (id !== String(task.version)) throw new Error(`the event ${id} tells of version ${task.version}`)
    yield { name: event!, task }
  }
}
