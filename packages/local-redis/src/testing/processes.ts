import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/**
 * Waits until a condition holds.
 * @throws Error if it does not within `timeoutMs`.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const giveUpAt = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${timeoutMs / 1000} s`)
    await delay(10)
  }
}

/** Runs a script of this folder and gives the first line that it prints, as JSON. */
export async function runFixture(
  name: string,
  ...args: string[]
): Promise<{ owner: ChildProcess; line: unknown }> {
  const script = fileURLToPath(new URL(name, import.meta.url))
  const owner = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: owner.stdout })
  for await (const line of lines) return { owner, line: JSON.parse(line) }
  throw new Error(`${name} printed nothing`)
}
