const UNITS: Record<string, number> = {
  '': 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}

/** A number of bytes as it is written: `500000`, `100MB`, `1GiB`; undefined if it is none, or beyond what is exact. */
export function bytesOf(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,16})(|kB|MB|GB|KiB|MiB|GiB)$/.exec(text) ?? []
  if (digits === undefined) return undefined
  const bytes = Number(digits) * UNITS[unit!]!
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
