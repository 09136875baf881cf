import type { FontLibrary } from '../fonts/library.ts'
import { cleanText } from '../text/clean.ts'
import { FontUses } from '../text/font-use.ts'
import { Setter } from '../text/setter.ts'
import { size } from './design.ts'

/** The styles of the report, and the fonts that setting in them has used so far. */
export class ReportType {
  readonly uses = new FontUses()
  readonly title: Setter
  readonly subtitle: Setter
  readonly heading: Setter
  readonly lead: Setter
  readonly body: Setter
  readonly bodyStrong: Setter
  readonly label: Setter
  readonly small: Setter
  readonly #library: FontLibrary

  constructor(library: FontLibrary) {
    this.#library = library
    this.title = new Setter(library, this.uses, { size: size.title, strong: true })
    this.subtitle = new Setter(library, this.uses, { size: size.subtitle })
    this.heading = new Setter(library, this.uses, { size: size.heading, strong: true })
    this.lead = new Setter(library, this.uses, { size: size.lead })
    this.body = new Setter(library, this.uses, { size: size.body })
    this.bodyStrong = new Setter(library, this.uses, { size: size.body, strong: true })
    this.label = new Setter(library, this.uses, { size: size.label, strong: true })
    this.small = new Setter(library, this.uses, { size: size.small })
  }

  /** Cleans text of strangers and has the fonts at hand that it needs; after that a setter can set it. */
  async prepare(...texts: string[]): Promise<string[]> {
    const cleaned = texts.map(cleanText)
    for (const text of cleaned) {
      const loading = this.#library.prepare(text)
      if (loading) await loading
    }
    return cleaned
  }
}
