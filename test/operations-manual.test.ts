import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startStack } from './stack.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** The call of a log at level `warn` or above, up to the end of its line. */
const CALL = /\blog(?:\.(?:warn|error|fatal)|\[[^\]]*'(?:warn|error|fatal)'\])\(/gi
const TEXT = /'((?:[^'\\]|\\.)*)'/g

/** What stands between the parenthesis that ends at `from` and the one that closes it. */
function argumentsAt(source: string, from: number): string {
  let depth = 1
  let at = from
  for (; depth > 0; at += 1) depth += { '(': 1, ')': -1 }[source[at]!] ?? 0
  return source.slice(from, at - 1)
}

/** The messages that a call may log: texts of its last argument, or of the constant that it names. */
function messagesOf(source: string, call: string): string[] {
  const named = /(?:^|, )([A-Z_]+)$/.exec(call)?.[1]
  const constant = named && new RegExp(`const ${named} = ('.*')`).exec(source)?.[1]
  const message = constant ?? call.slice(call.indexOf('}') + 1)
  return [...message.matchAll(TEXT)].map(([, text]) => text!)
}

test('the manual tells what every log message at level warn or above means', async () => {
  const manual = await readFile(join(ROOT, 'docs/operations.md'), 'utf8')
  const untold: string[] = []
  let calls = 0
  for await (const path of glob('{apps,packages}/*/src/**/*.ts', { cwd: ROOT })) {
    if (/\.test\.ts$|\/testing\//.test(path)) continue
    const source = await readFile(join(ROOT, path), 'utf8')
    for (const { index, 0: call } of source.matchAll(CALL)) {
      calls += 1
      const messages = messagesOf(source, argumentsAt(source, index + call.length))
      expect(messages, `a call in ${path} that has no message`).not.toEqual([])
      untold.push(...messages.filter((message) => !manual.includes(`\`${message}\``)))
    }
  }
  expect(calls).toBeGreaterThan(30)
  expect(untold).toEqual([])
})

test('alarms and manual ask for metrics that there are, and the manual tells what each alarm means', async () => {
  const rules = await readFile(join(ROOT, 'docs/operations/alerts.yml'), 'utf8')
  const manual = await readFile(join(ROOT, 'docs/operations.md'), 'utf8')
  const { url } = await startStack()
  const scraped = await (await fetch(`${url}/metrics`)).text()
  const types = [...scraped.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
  const names = new Set(
    types.flatMap(([, name, type]) =>
      type === 'histogram' ? ['_bucket', '_count', '_sum'].map((end) => `${name}${end}`) : [name!],
    ),
  )
  const asked = [...`${rules}${manual}`.matchAll(/\b(?:accepted|http|nodejs|process)_\w+/g)].map(
    ([name]) => name,
  )
  expect(asked.length).toBeGreaterThan(10)
  expect(asked.filter((name) => !names.has(name))).toEqual([])
  const alarms = [...rules.matchAll(/alert: (\w+)/g)].map(([, name]) => name!)
  expect(alarms.filter((name) => !manual.includes(`\`${name}\``))).toEqual([])
})
