import { fileURLToPath } from 'node:url'
import { runStart } from '../run-start.ts'

// npm start with the fake apps.
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
process.exitCode = await runStart(path('.'), { api: path('fake-api.ts'), worker: path('fake-worker.ts') })
