/** What fields take that the schema leaves to words: the first list is in order, the second is not, or odd. */
export const WORDS: Record<string, [string[], string[]]> = {
  Prefer: [
    [
      'respond-async',
      'respond-async, wait=0',
      'wait=1',
      'task-style=created',
      'task-style=operation, respond-async',
    ],
    ['task-style="see-other"; x', 'task-style=none, wait=soon', ',;=",', 'wait=-1, wait=1'],
  ],
  'Idempotency-Key': [
    ['a', 'b', 'c', '"a"'],
    ['"', '\\', '"\\""', 'x'.repeat(256), '\xff'],
  ],
  'Callback-URL': [
    ['http://127.0.0.1:9/', 'http://127.0.0.1:9/a?b#c'],
    ['http://10.0.0.1/', 'ftp://x', 'http://[::1', 'x', 'http://u:p@127.0.0.1/', 'http://0x7f.1:0/'],
  ],
  'Callback-Events': [['completed'], ['started, progress', ',', 'none', 'completed,completed']],
  'Cancel-After': [
    ['1s', '1000ms', '24h'],
    ['0s', '25h', '1d', '999999999h'],
  ],
  'Task-Priority': [
    ['0', '7'],
    ['-1', '8', '0x1', '1e0', ''],
  ],
  'Max-Queue': [
    ['1000', '999999999999999'],
    ['0', '-1', '1e3', '9999999999999999999'],
  ],
  Range: [
    ['bytes=0-9', 'bytes=-1', 'bytes=9-'],
    ['bytes=9-0', 'bytes=0-0,2-3', 'bytes=99999999999999999999-', 'x=1', 'bytes=--1'],
  ],
  'Last-Event-Id': [
    ['1', '5'],
    ['-1', '999999999999999999999', '', 'x'],
  ],
}

/** Fields that any request may have. */
export const STRAY_FIELDS: Record<string, string[]> = {
  accept: ['*/*', 'application/json', 'text/html', 'application/*;q=0', ';,=', 'a/b;q=2', '*'],
  'x-request-id': ['abc', 'a b', 'x'.repeat(200)],
  traceparent: ['00-00000000000000000000000000000001-0000000000000001-01', '00-0-0-0', 'ff'],
  'content-type': [
    'application/json; charset=utf-8',
    'text/plain',
    'application/vnd.x+json',
    ';',
    'application/x-ndjson',
  ],
  origin: ['https://elsewhere.example', 'null'],
  'if-range': ['"x"', 'W/"x"'],
}

/** Members of a starting body that lead callbacks to where nobody listens. */
export const CALLBACKS = [
  {},
  {},
  { callback_url: 'http://127.0.0.1:9/' },
  { callback_url: 'http://127.0.0.1:9/', callback_events: ['started', 'progress', 'completed', 'failed'] },
]
