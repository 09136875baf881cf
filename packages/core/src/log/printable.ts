/**
 * What a terminal acts on rather than shows, and what breaks a line: control characters (C0, DEL, C1), the separators of lines and
 * paragraphs, and the marks that turn the direction of text.
 */
const UNSHOWN = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
const BREAKS_AND_TABS = /[\n\t]/

/**
 * Text that may be printed wherever it comes from: what is not to be shown stands there as an escape, such as `\u001b`, so
 * that who reads sees it was there. In JSON text the escapes mean the same characters.
 *
 * @param lines whether line feeds and tabs stay
 */
export function printable(text: string, lines = false): string {
  return text.replace(UNSHOWN, (char) =>
    lines && BREAKS_AND_TABS.test(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
