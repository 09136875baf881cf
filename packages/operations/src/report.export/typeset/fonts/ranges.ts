/** Reads CSS's `U+0600-06FF,U+FDFB` into flat pairs of first and last. */
export function parseRanges(css: string): Uint32Array {
  return Uint32Array.from(
    css.split(',').flatMap((range) => {
      const [first = '', last = first] = range.trim().slice(2).split('-')
      return [Number.parseInt(first, 16), Number.parseInt(last, 16)]
    }),
  )
}

export function inRanges(ranges: Uint32Array, codePoint: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if (codePoint >= ranges[i]! && codePoint <= ranges[i + 1]!) return true
  }
  return false
}
