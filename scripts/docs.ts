import { readFile, writeFile } from 'node:fs/promises'
import { settingsTable, withSettingsTable } from './docs/settings-table.ts'
import { projectRoot } from './project-root.ts'

/** `npm run docs`: writes the parts of the README that are made from the code. */
const readme = `${projectRoot}/README.md`
await writeFile(readme, withSettingsTable(await readFile(readme, 'utf8'), await settingsTable()))
