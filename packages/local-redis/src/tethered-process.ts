import { spawn } from 'node:child_process'

/** How a process ended: one of the two is null, as Node has it. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface TetheredProcess {
  /** The command's own pid: the shell that spawns it turns into it. */
  pid: number
  /** Lets the command begin; until then only its process exists. */
  begin(): void
  exited: Promise<Ending>
  /** The last lines that it wrote, both streams. */
  lastWords(): string
  kill(signal: NodeJS.Signals): void
}

/**
 * The shell keeps a reader on its standard input, whose other end we hold, and then becomes the command. When we are
 * gone, however we went, the reader sees the end of its input and ends the command: TERM, CONT in case it is frozen,
 * KILL after 5 s, and its children with it. The reader shares the command's process group, so that the command's pid cannot be given to a
 * stranger while the reader may still signal it.
 */
const shellScript = `
read -r begin || exit 0
exec 3<&0
{
  cat <&3
  kill -TERM $$ && kill -CONT $$
  tries=50
  while kill -0 $$ && [ $tries -gt 0 ]; do tries=$((tries - 1)); sleep 0.1; done
  kill -KILL $$
  [ -z "$1" ] || rm -rf -- "$1"
  kill -KILL 0
} >/dev/null 2>&1 &
shift
exec "$@" </dev/null 3<&-
`

export interface TetherOptions {
  env?: NodeJS.ProcessEnv
  /** A folder to remove if we die before the command; after an orderly end removing it is the caller's task. */
  folderToRemove?: string
}

/**
 * Spawns a command that never outlives this process, not even its kill -9, in a process group of its own, so that a
 * terminal's Ctrl-C does not reach it.
 * @throws Error if no process could be made.
 */
export async function spawnTethered(
  command: string,
  args: readonly string[],
  { env = process.env, folderToRemove = '' }: TetherOptions = {},
): Promise<TetheredProcess> {
  const child = spawn('/bin/sh', ['-c', shellScript, 'sh', folderToRemove, command, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env,
  })
  await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject))
  const pid = child.pid as number
  const output = collectLines(20)
  child.stdout.on('data', output.add)
  child.stderr.on('data', output.add)
  child.stdin.on('error', () => {}) // the command may be gone before it was told to begin
  const exited = new Promise<Ending>((resolve) => {
    child.once('exit', () => {
      killGroup(pid) // the reader
      child.stdin.destroy()
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    pid,
    begin: () => child.stdin.write('\n'),
    exited,
    lastWords: output.text,
    kill: (signal) => child.kill(signal),
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // nobody is left in it
  }
}

function collectLines(limit: number) {
  let kept = ''
  return {
    add: (chunk: Buffer) => {
      kept = (kept + chunk.toString())
        .split('\n')
        .slice(-limit - 1)
        .join('\n')
    },
    text: () => kept.trim(),
  }
}
