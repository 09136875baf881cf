import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

/** How a process ended: one of the two is null, as Node has it. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface TetheredProcess {
  /** Its pid, signals, streams and channel are the command's own: the shell that spawns it turns into it. */
  child: ChildProcess
  pid: number
  /** Lets the command begin; until then only its process exists. */
  begin(): void
  /** Resolves when it has ended and its output is in. */
  exited: Promise<Ending>
}

export interface TetherOptions {
  env?: NodeJS.ProcessEnv
  /** Gives a Node command a channel to us, as `fork` does. */
  ipc?: boolean
  /** A folder to remove if we die before the command; after an orderly end removing it is the caller's task. */
  folderToRemove?: string
}

/**
 * The shell keeps a reader on its standard input, whose other end we hold, and then becomes the command. When we are
 * gone, however we went, the reader sees the end of its input and ends the command: TERM, CONT in case it is frozen,
 * KILL after 5 s, and its children with it. The reader shares the command's process group, so that the command's pid
 * cannot be given to a stranger while the reader may still signal it. Descriptor 3 may be the channel.
 */
const shellScript = `
read -r begin || exit 0
exec 9<&0
{
  cat <&9
  kill -TERM $$ && kill -CONT $$
  tries=50
  while kill -0 $$ && [ $tries -gt 0 ]; do tries=$((tries - 1)); sleep 0.1; done
  kill -KILL $$
  [ -z "$1" ] || rm -rf -- "$1"
  kill -KILL 0
} >/dev/null 2>&1 3>&- &
shift
exec "$@" </dev/null 9<&-
`

/** Output may trail behind the exit, and something that the command had started may hold it open for ever. */
const trailingOutputMs = 200

/**
 * Spawns a command that never outlives this process, not even its kill -9, in a process group of its own, so that a
 * terminal's Ctrl-C does not reach it.
 * @throws Error if no process could be made.
 */
export function spawnTethered(
  command: string,
  args: readonly string[],
  { env = process.env, ipc = false, folderToRemove = '' }: TetherOptions = {},
): TetheredProcess {
  const child = spawn('/bin/sh', ['-c', shellScript, 'sh', folderToRemove, command, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', ipc ? 'ipc' : 'ignore'],
    env,
  })
  child.once('error', () => {}) // told below, where it can be caught
  const { pid, stdin } = child
  if (pid === undefined) throw new Error(`no process could be made for ${command}`)
  stdin?.on('error', () => {}) // it may be gone before it was told to begin
  return { child, pid, begin: () => void stdin?.write('\n'), exited: waitForEnding(child, pid) }
}

async function waitForEnding(child: ChildProcess, pid: number): Promise<Ending> {
  const closed = once(child, 'close')
  const [code, signal] = await once(child, 'exit')
  killGroup(pid) // the reader, and what the command left behind
  child.stdin?.destroy()
  await Promise.race([closed, delay(trailingOutputMs)])
  return { code, signal }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nobody is left in it
  }
}
