import { spawnTethered } from '../tethered-process.ts'

// own-a-process.ts FOLDER COMMAND ARG… : spawns a tethered command, prints its pid, and stays until killed.
const [folderToRemove = '', command = '', ...args] = process.argv.slice(2)
const tethered = spawnTethered(command, args, { folderToRemove })
tethered.begin()
process.stdout.write(`${JSON.stringify({ pid: tethered.pid })}\n`)
await tethered.exited
