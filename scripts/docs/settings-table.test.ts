import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { projectRoot } from '../project-root.ts'
import { settingsTable, withSettingsTable } from './settings-table.ts'

test('the README tells the settings as their schemas have them (npm run docs makes it so)', async () => {
  const page = await readFile(`${projectRoot}/README.md`, 'utf8')
  expect(page).toBe(withSettingsTable(page, await settingsTable()))
})

test('every setting is told once, with its default, who reads it and what it means', async () => {
  const rows = (await settingsTable()).trim().split('\n').slice(2)
  for (const row of rows)
    expect(row).toMatch(/^\| `[A-Z_]+` \| (`[^`]+`)? ?\| (both|api|worker)[^|]* \| .{10,} \|$/)
  expect(rows.find((row) => row.includes('`CAR_STEP_MS`'))).toContain('worker, `car.build`')
  expect(rows.filter((row) => row.includes('`TOMBSTONE_SECONDS`'))).toHaveLength(1)
})
