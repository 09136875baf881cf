import { defineOperation } from '@accepted/contract'
import { handle } from '@accepted/operations'
import { Type } from 'typebox'
import { startWatchdog } from '../watchdog.ts'
import { soleOperation } from './sole-operation.ts'

/** A worker whose only operation never yields. Its watchdog waits `WATCHDOG_SECONDS`. */
const contract = defineOperation({
  name: 'test.run',
  route: 'POST /tests',
  summary: 'Blocks',
  lane: 'test',
  input: Type.Object({ n: Type.Integer() }),
  output: Type.Null(),
})
const operation = handle(contract, async () => {
  while (Atomics);
  return null
})
const { settings, start } = soleOperation(operation, { level: 'info' })
start()
startWatchdog(settings.WATCHDOG_SECONDS * 1000)
