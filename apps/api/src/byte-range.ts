/** A part of a resource, both ends in it. */
export interface ByteRange {
  first: number
  last: number
}

/**
 * Reads a `Range` field (RFC 9110 §14.2). One range is served; a field of another unit, of several ranges or out of form
 * is passed over, as the RFC allows, and the whole is served.
 */
export function byteRange(
  field: string | undefined,
  sizeBytes: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(field?.trim() ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return 'whole'
  const [, from, to] = match as unknown as [string, string, string]
  if (from === '') {
    const suffix = Number(to)
    return suffix === 0 ? 'unsatisfiable' : { first: Math.max(0, sizeBytes - suffix), last: sizeBytes - 1 }
  }
  const first = Number(from)
  const last = to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)
  if (to !== '' && Number(to) < first) return 'whole'
  return first >= sizeBytes ? 'unsatisfiable' : { first, last }
}
