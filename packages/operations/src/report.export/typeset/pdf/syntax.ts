/** The number of an object in the PDF file. */
export type Ref = number

/** `12 0 R`: how one object names another. */
export function reference(ref: Ref): string {
  return `${ref} 0 R`
}

/** A number as PDF writes it: a hundredth of a point is finer than any printer. */
export function number(value: number): string {
  return String(Math.round(value * 100) / 100)
}

/** Text for people (titles, copied text): UTF-16 with its byte order mark, in hexadecimal. */
export function textString(text: string): string {
  return `<FEFF${utf16Hex(text)}>`
}

export function utf16Hex(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('hex').toUpperCase()
}

/** `D:20211001090000Z` */
export function dateString(date: Date): string {
  return `(D:${date.toISOString().slice(0, 19).replace(/\D/g, '')}Z)`
}
