/** Places at which a rule of the lint does not hold, argued in docs/decisions/027-api-lint.md. */
export interface Exemption {
  rule: string
  /** JSON Pointers into the document, as URI fragments; what lies under them is exempt too. */
  places: readonly string[]
}

export const EXEMPTIONS: readonly Exemption[] = []
