#!/usr/bin/env node
import { runCli } from './run-cli.ts'

const { stdout, stderr } = process
// Whoever reads may have seen enough.
stdout.on('error', () => {})
process.exitCode = await runCli(process.argv.slice(2), {
  environment: process.env,
  // Under npm the folder of the caller is not that of the process.
  folder: process.env.INIT_CWD || process.cwd(),
  print: (text) => void stdout.write(text),
  complain: (text) => void stderr.write(text),
})
