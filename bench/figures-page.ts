/** The sections of bench/figures.md by the name of their bench: each a table and what is to say of it. */
export type Sections = Map<string, string>

const HEAD =
  '# Latest figures\n\nMade by `npm run bench -- --save`, which measures all or those that are named.\n'

/** The sections that a page has. */
export function sectionsOf(page: string): Sections {
  const [, ...sections] = page.split(/^## /m)
  return new Map(
    sections.map((section) => {
      const [name, ...lines] = section.split('\n')
      return [name!, lines.join('\n').trim()]
    }),
  )
}

/** The page that has these sections, in this order of names. */
export function pageOf(sections: Sections, names: string[]): string {
  const parts = names
    .filter((name) => sections.has(name))
    .map((name) => `## ${name}\n\n${sections.get(name)}\n`)
  return [HEAD, ...parts].join('\n')
}
