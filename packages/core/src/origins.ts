/**
 * Reads origins as browsers send them, separated by commas: `https://app.example,http://localhost:5173`.
 *
 * @returns the origins, or what is wrong with each that is none, in words
 */
export function parseOrigins(
  text: string,
): { outcome: 'origins'; origins: string[] } | { outcome: 'faulty'; faults: string[] } {
  const words = text.split(',').flatMap((word) => word.trim() || [])
  const faults = words
    .filter((word) => !isOrigin(word))
    .map((word) => `'${word}' is no origin: ${whyNot(word)}`)
  return faults.length > 0 ? { outcome: 'faulty', faults } : { outcome: 'origins', origins: words }
}

function isOrigin(word: string): boolean {
  return /^https?:[^*]+$/.test(word) && URL.parse(word)?.origin === word
}

function whyNot(word: string): string {
  if (word.includes('*')) return 'each has to be named, or any page could act with what its reader may reach'
  return 'scheme, host and port as a browser sends them, such as https://app.example, without a slash at the end'
}
