import { runChecks } from './check/run-checks.ts'
import { projectRoot } from './project-root.ts'

// npm run check: types, format, lint, and who may import whom.
const failed = await runChecks(projectRoot, (words) => void process.stdout.write(`${words}\n`))
process.exitCode = failed === 0 ? 0 : 1
