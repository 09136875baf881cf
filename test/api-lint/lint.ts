import { join } from 'node:path'
import core, { type RulesetDefinition } from '@stoplight/spectral-core'
import owasp from '@stoplight/spectral-owasp-ruleset'
import parsers from '@stoplight/spectral-parsers'
import rulesets from '@stoplight/spectral-rulesets'
import type { Exemption } from './exemptions.ts'

/** One thing that a rule has against a document. */
export interface Finding {
  rule: string
  /** JSON Pointer to the place, as a URI fragment. */
  pointer: string
  message: string
}

/** Spectral tells a document's exemptions by its file; there is none. */
const FILE = 'openapi.json'
const FOLDER = '/'

/** What Spectral finds in a document by the rules of `spectral:oas` and of OWASP, of every severity, but for the exemptions. */
export async function lint(document: object, exemptions: readonly Exemption[]): Promise<Finding[]> {
  const definition = {
    extends: [rulesets.oas, [owasp, 'all']],
    ...(exemptions.length > 0 ? { overrides: overridesOf(exemptions) } : {}),
  } as unknown as RulesetDefinition
  const linter = new core.Spectral()
  linter.setRuleset(new core.Ruleset(definition, { source: join(FOLDER, 'ruleset.js') }))
  const text = JSON.stringify(document)
  const results = await linter.run(new core.Document(text, parsers.Json, join(FOLDER, FILE)))
  return results.map(({ code, path, message }) => ({
    rule: String(code),
    pointer: `#${path.map((part) => `/${escaped(String(part))}`).join('')}`,
    message,
  }))
}

function overridesOf(exemptions: readonly Exemption[]) {
  return exemptions.flatMap(({ rule, places }) =>
    places.map((place) => ({ files: [FILE + place], rules: { [rule]: 'off' } })),
  )
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}

/** Findings as lines: rule, place, what is wrong there. */
export function inWords(findings: readonly Finding[]): string[] {
  return findings.map(({ rule, pointer, message }) => `${rule} at ${pointer}: ${message}`)
}
