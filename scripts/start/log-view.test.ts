import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createLogView } from './log-view.ts'

async function view(name: string, text: string): Promise<string> {
  let written = ''
  const stream = new PassThrough()
  createLogView((part) => (written += part), { colors: false })(name, stream)
  stream.end(text)
  await once(stream, 'close')
  return written
}

describe('the log view', () => {
  test('makes a JSON line readable, behind the name of its app', async () => {
    const line = JSON.stringify({
      level: 30,
      time: 0,
      pid: 7,
      hostname: 'h',
      task_id: 't1',
      msg: 'task ended',
    })
    expect(await view('api', `${line}\n`)).toMatch(
      /^api {4}\| \[\d\d:\d\d:\d\d\.000\] INFO: task ended {"task_id":"t1"}\n$/,
    )
  })

  test('leaves other lines as they are', async () => {
    expect(await view('worker', 'Error: no\n    at line 1\n')).toBe(
      'worker | Error: no\nworker |     at line 1\n',
    )
  })

  test('puts the name before every line of an error', async () => {
    const line = JSON.stringify({
      level: 50,
      time: 0,
      err: { type: 'Error', message: 'no', stack: 'Error: no\n  at x' },
    })
    const shown = await view('worker', `${line}\n`)
    expect(shown.trimEnd().split('\n').length).toBeGreaterThan(1)
    for (const part of shown.trimEnd().split('\n')) expect(part).toMatch(/^worker \| /)
  })

  test('shows what would act on the terminal as escapes', async () => {
    const line = JSON.stringify({ level: 30, time: 0, msg: '\u001b[2J', who: '\u009b31m\rroot' })
    const shown = await view('api', `${line}\nplain \u001b[2J\n7\n`)
    expect(shown.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    expect(shown).toContain('INFO: \\u001b[2J {"who":"\\u009b31m\\u000droot"}')
    expect(shown).toContain('api    | plain \\u001b[2J\napi    | 7\n')
  })
})
