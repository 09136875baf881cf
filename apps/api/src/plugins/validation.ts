import type { InputFault } from '@accepted/contract'
import { type Check, compileCheck, type SchemaFault } from '@accepted/core'
import plugin from 'fastify-plugin'
import type { TSchema } from 'typebox'
import { invalidInput, ProblemError } from '../problem.ts'

/** Validates requests by the routes' schemas; every fault is named with its place, all at once. */
export const validation = plugin(
  async (app) => {
    app.setValidatorCompiler(({ schema, httpPart }) => {
      const check: Check = compileCheck(schema as TSchema, httpPart !== 'body')
      return (value: unknown) => {
        const faults = check(value)
        // Not `{ value }`: defaults and numbers are in place, and Fastify would copy the headers at each look at them.
        return faults.length === 0 || { error: problemOf(faults, httpPart) }
      }
    })
    app.setSchemaErrorFormatter((errors) => errors as unknown as Error)
    app.setSerializerCompiler(() => JSON.stringify)
  },
  { name: 'validation' },
)

function problemOf(faults: SchemaFault[], part: string | undefined): ProblemError {
  // An id that is not one names nothing.
  if (part === 'params')
    return new ProblemError('not_found', 'The path names nothing: an id in it is not in form.')
  return invalidInput(faults.map((fault) => inputFault(fault, part)))
}

function inputFault({ pointer, detail }: SchemaFault, part: string | undefined): InputFault {
  const name = pointer.slice(1).split('/')[0]!
  if (part === 'querystring') return { query: name, detail }
  if (part === 'headers') return { header: name, detail }
  return { pointer: `#${pointer}`, detail }
}
