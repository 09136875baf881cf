import { PATTERN_WORDS } from '@accepted/contract'
import { Ajv, type ErrorObject } from 'ajv'
import formats from 'ajv-formats'
import type { TSchema } from 'typebox'

/** One place where a value breaks its schema. */
export interface SchemaFault {
  /** JSON Pointer to the place (RFC 6901); '' is the whole value. */
  pointer: string
  detail: string
}

/** Checks a value; resolves to its faults, none if it is valid. */
export type Check = (value: unknown) => SchemaFault[]

const MOST_FAULTS = 50
/** Of the name of a member that is at fault, which may be as long as a body. */
const LONGEST_POINTER = 200

const OPTIONS = {
  allErrors: true,
  strict: true,
  strictTypes: false,
  removeAdditional: false,
  useDefaults: true,
} as const

// Query strings, headers and the environment have only text: '3' is a number there.
const typed = formats.default(new Ajv(OPTIONS))
const textual = formats.default(new Ajv({ ...OPTIONS, coerceTypes: true }))
// RFC 3339 as JavaScript reads it: no leap seconds, no spaces, whole offsets.
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/
const existing = formats.default.get('date-time') as { validate: (text: string) => boolean }
for (const ajv of [typed, textual]) {
  ajv.addFormat('date-time', (text: string) => {
    return DATE_TIME.test(text) && existing.validate(text) && Number.isFinite(Date.parse(text))
  })
}

/**
 * Compiles a schema into a check. Defaults are filled into the value.
 *
 * @param text whether the value comes as text, so that '3' stands for 3
 */
export function compileCheck(schema: TSchema, text = false): Check {
  const validate = (text ? textual : typed).compile(schema)
  const numbers = text ? numberMembers(schema) : []
  return (value) => {
    const faults = numberFaults(numbers, value)
    if (validate(value)) return faults.slice(0, MOST_FAULTS)
    const told = new Set(faults.map(({ pointer }) => pointer))
    // Of a hostile value there may be a million.
    for (const error of withoutEchoes(validate.errors ?? [])) {
      if (faults.length >= MOST_FAULTS) break
      faults.push(...faultOf(error).filter(({ pointer }) => !told.has(pointer)))
    }
    return faults.slice(0, MOST_FAULTS).map(withShortPointer)
  }
}

function withShortPointer({ pointer, detail }: SchemaFault): SchemaFault {
  return {
    pointer: pointer.length > LONGEST_POINTER ? `${pointer.slice(0, LONGEST_POINTER)}…` : pointer,
    detail,
  }
}

interface NumberMember {
  name: string
  type: 'integer' | 'number'
}

function numberMembers(schema: TSchema): NumberMember[] {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  return Object.entries(properties).flatMap(([name, { type }]) =>
    type === 'integer' || type === 'number' ? [{ name, type }] : [],
  )
}

/** Texts that stand for numbers but are not written as decimals: to coerce them would let 1e999 and 0x10 through. */
function numberFaults(members: NumberMember[], value: unknown): SchemaFault[] {
  return members.flatMap(({ name, type }) => {
    const text = (value as Record<string, unknown> | null)?.[name]
    if (typeof text !== 'string') return []
    const form = type === 'integer' ? /^-?\d{1,15}$/ : /^-?\d{1,15}(\.\d{1,15})?$/
    return form.test(text) ? [] : [{ pointer: `/${name}`, detail: `must be ${type}` }]
  })
}

/** A text that is too long or too short has not the right form either, which need not be said. */
function withoutEchoes(errors: ErrorObject[]): ErrorObject[] {
  const lengths = new Set(
    errors.filter(({ keyword }) => keyword.endsWith('Length')).map(({ instancePath }) => instancePath),
  )
  return errors.filter(
    ({ keyword, instancePath }) =>
      !((keyword === 'pattern' || keyword === 'format') && lengths.has(instancePath)),
  )
}

function faultOf(error: ErrorObject): SchemaFault[] {
  const place = error.instancePath
  const at = (member: string) => `${place}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`
  switch (error.keyword) {
    case 'required':
      return [{ pointer: at(error.params.missingProperty), detail: 'is required' }]
    case 'additionalProperties':
      return [{ pointer: at(error.params.additionalProperty), detail: 'is not a known member' }]
    case 'enum':
      return [{ pointer: place, detail: `must be one of ${error.params.allowedValues.join(', ')}` }]
    case 'format':
      return [{ pointer: place, detail: `is not a valid ${error.params.format}` }]
    case 'pattern':
      return [{ pointer: place, detail: PATTERN_WORDS[error.params.pattern] ?? error.message! }]
    case 'anyOf':
    case 'if':
      return [{ pointer: place, detail: 'has none of the allowed forms' }]
    default:
      return [{ pointer: place, detail: error.message ?? `breaks the rule '${error.keyword}'` }]
  }
}

/** Faults as one line of words: where, and what is wrong there. */
export function faultsInWords(faults: SchemaFault[]): string {
  return faults.map(({ pointer, detail }) => `${pointer || 'it'} ${detail}`).join('; ')
}
