import { type Ref, reference, textString } from './syntax.ts'
import type { PdfWriter } from './writer.ts'

export interface Bookmark {
  readonly title: string
  readonly page: Ref
}

/** Writes bookmarks, one flat list in the order given. Returns its root. */
export function writeOutline(pdf: PdfWriter, bookmarks: readonly Bookmark[]): Ref {
  const root = pdf.reserve()
  const refs = bookmarks.map(() => pdf.reserve())
  for (const [i, { title, page }] of bookmarks.entries()) {
    const before = refs[i - 1] === undefined ? '' : `/Prev ${reference(refs[i - 1]!)}`
    const after = refs[i + 1] === undefined ? '' : `/Next ${reference(refs[i + 1]!)}`
    pdf.object(
      refs[i]!,
      `<</Title${textString(title)}/Parent ${reference(root)}${before}${after}/Dest[${reference(page)}/Fit]>>`,
    )
  }
  const ends = `/First ${reference(refs[0]!)}/Last ${reference(refs.at(-1)!)}`
  pdf.object(root, `<</Type/Outlines${ends}/Count ${refs.length}>>`)
  return root
}
