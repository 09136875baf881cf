import core, { type RulesetDefinition } from '@stoplight/spectral-core'
import owasp from '@stoplight/spectral-owasp-ruleset'
import parsers from '@stoplight/spectral-parsers'
import rulesets from '@stoplight/spectral-rulesets'

/** One thing that a rule has against a document. */
export interface Finding {
  rule: string
  /** JSON Pointer to the place, as a URI fragment. */
  place: string
  message: string
}

/** Places at which a rule does not hold. */
export interface Exemption {
  rule: string
  /** JSON Pointers into the document, as URI fragments; what lies under them is exempt too. */
  places: readonly string[]
}

/** What becomes of a document by the rules and their exemptions. */
export interface Verdict {
  /** What is wrong, a line each: the rule, the place, what is wrong there. */
  faults: string[]
  /** Exemptions that nothing needs, a line each: the rule, the place. */
  idle: string[]
}

/** Without a file Spectral would tell of a shared part once for each place that refers to it. */
const FILE = 'openapi.json'

/** Holds a document against all rules of `spectral:oas` and of OWASP's API security, whatever their severity. */
export async function lint(document: object): Promise<Finding[]> {
  const linter = new core.Spectral()
  linter.setRuleset({ extends: [rulesets.oas, [owasp, 'all']] } as unknown as RulesetDefinition)
  const results = await linter.run(new core.Document(JSON.stringify(document), parsers.Json, FILE))
  return results.map(({ code, path, message }) => ({
    rule: String(code),
    place: `#${path.map((part) => `/${escaped(String(part))}`).join('')}`,
    message,
  }))
}

/** What is left of findings once the exemptions are taken off, and what is left of the exemptions. */
export function judge(findings: readonly Finding[], exemptions: readonly Exemption[]): Verdict {
  const exempt = exemptions.flatMap(({ rule, places }) => places.map((place) => ({ rule, place })))
  const covers = (one: { rule: string; place: string }, { rule, place }: Finding) =>
    rule === one.rule && (place === one.place || place.startsWith(`${one.place}/`))
  return {
    faults: findings
      .filter((finding) => !exempt.some((one) => covers(one, finding)))
      .map(({ rule, place, message }) => `${rule} at ${place}: ${message}`),
    idle: exempt
      .filter((one) => !findings.some((finding) => covers(one, finding)))
      .map(({ rule, place }) => `${rule} at ${place}`),
  }
}

function escaped(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
