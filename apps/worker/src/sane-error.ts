/** What a handler threw, if it can be looked at; else an error that says so. Handlers may throw anything, even what throws. */
export function saneError(thrown: unknown): unknown {
  try {
    if (!(thrown instanceof Error)) return typeof thrown === 'object' ? structuredClone(thrown) : thrown
    const { name, message, stack = '', cause } = thrown
    const legible = [name, message, stack].every((part) => typeof part === 'string')
    if (legible) return cause === undefined || saneError(cause) === cause ? thrown : new Error(message)
  } catch {
    // told by what follows
  }
  return new Error('what was thrown cannot be read')
}
