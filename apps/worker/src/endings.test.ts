import { defineOperation, type OperationContract } from '@accepted/contract'
import { createLog } from '@accepted/core'
import { Type } from 'typebox'
import { expect, test } from 'vitest'
import { endingOf } from './endings.ts'

test.each([
  ['/', 'completed'],
  [`/${'x'.repeat(2_047)}`, 'completed'],
  [`/${'x'.repeat(2_048)}`, 'failed'],
  ['', 'failed'],
  ['cars/1', 'failed'],
  ['/a b', 'failed'],
  ['/größe', 'failed'],
  ['/a\r\nset-cookie: x', 'failed'],
])('a task whose resource is %j is %s: a Location must hold it', (path, status) => {
  const contract = defineOperation({
    name: 'path.make',
    route: 'POST /paths',
    summary: 'Make a path',
    input: Type.Object({}),
    output: Type.String(),
    resource: (made) => made,
    collection: 'paths',
  }) as unknown as OperationContract
  const operation = { contract, outputFaults: () => [] } as unknown as Parameters<typeof endingOf>[0]
  const ending = endingOf(operation, path, createLog('worker', 'silent'))
  expect(ending).toMatchObject({ status, reason: status === 'failed' ? 'invalid_result' : null })
})
