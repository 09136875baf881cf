import { spawn } from 'node:child_process'
import { constants } from 'node:os'

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP']

/**
 * Runs a command until it ends by itself. Signals that would end us are handed on, and we stay until the command is
 * gone, so that nobody gets the prompt back too early. A terminal's Ctrl-C reaches the command directly as well, and
 * npm hands it on once more: the command may see one Ctrl-C several times. When the npm that started us is gone, the
 * command is told to end.
 *
 * @param options as for `spawn`.
 * @returns {Promise<{ exitCode: number, output: string, interrupted: boolean }>} `output`: what came through pipes.
 */
export async function runToEnd(command, args, options) {
  const child = spawn(command, args, options)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))

  let interrupted = false
  const handOn = (signal) => {
    interrupted = true
    child.kill(signal)
  }
  for (const signal of stopSignals) process.on(signal, handOn)
  const watch = watchParent(() => child.kill('SIGTERM'))
  try {
    const exitCode = await new Promise((resolve, reject) => {
      child.once('error', (error) => reject(new Error(`${command} cannot be run: ${error.message}`)))
      child.once('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
    })
    return { exitCode, output, interrupted }
  } finally {
    clearInterval(watch)
    for (const signal of stopSignals) process.off(signal, handOn)
  }
}

/** Under npm only: whoever starts us by hand may go away and mean us to stay. */
function watchParent(onGone) {
  if (!process.env.npm_lifecycle_event) return undefined
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    onGone()
  }, 500)
  return watch
}
