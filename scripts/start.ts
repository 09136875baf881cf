import { fileURLToPath } from 'node:url'
import { runStart } from './start/run-start.ts'

// npm start: a private Redis, the API and the worker, until Ctrl-C.
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
process.exitCode = await runStart(path('..'), {
  api: path('../apps/api/src/main.ts'),
  worker: path('../apps/worker/src/main.ts'),
})
