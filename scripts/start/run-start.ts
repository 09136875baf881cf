import { DataDirInUseError } from '@accepted/local-redis'
import { onStopRequests } from '../stop-requests.ts'
import { createLogView } from './log-view.ts'
import { readStartSettings } from './settings.ts'
import { startStack } from './stack.ts'
import { welcome } from './welcome.ts'

/**
 * Runs the stack until it is told to stop or gives up.
 * @returns the exit code: 0 after a stop in order.
 */
export async function runStart(
  projectRoot: string,
  scripts: { api: string; worker: string },
): Promise<number> {
  const { stdout } = process
  stdout.on('error', () => {}) // a closed terminal or pipe is no reason to leave things running
  const say = (words: string) => void stdout.write(`${words}\n`)
  const show = createLogView((text) => void stdout.write(text), {
    colors: stdout.isTTY && stdout.hasColors(),
  })

  const end = Promise.withResolvers<void>()
  let exitCode = 0
  const endWith = (code: number) => {
    exitCode = code
    end.resolve()
  }
  const stack = startStack({
    settings: readStartSettings(process.env, projectRoot),
    scripts,
    say,
    show,
    onGiveUp: (fault) => {
      say(adviseOn(fault))
      endWith(1)
    },
  })
  const stopListening = onStopRequests({
    stop: () => {
      say('stopping')
      endWith(0)
    },
    stopAtOnce: () => {
      say('stopping at once')
      stack.kill()
      endWith(130)
    },
  })

  stack.up.then((addresses) => addresses && say(welcome(addresses)))
  await end.promise
  await stack.stop()
  stopListening()
  say('stopped')
  return exitCode
}

function adviseOn(fault: Error): string {
  if (!(fault instanceof DataDirInUseError)) return fault.message
  return `${fault.message}\nA second copy needs a DATA_DIR and a PORT of its own.`
}
