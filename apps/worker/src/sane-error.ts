import { canBeLogged } from '@accepted/core'

/**
 * What a handler threw, if it can be looked at; handlers may throw anything, even what throws. An error of which a part
 * cannot be read, its cause perhaps, keeps its class and what can be read: by these it is decided what comes of its task.
 * Of anything else that cannot be read an error says so.
 */
export function saneError(thrown: unknown): unknown {
  try {
    if (!(thrown instanceof Error)) return typeof thrown === 'object' ? structuredClone(thrown) : thrown
    if (isLegible(thrown)) return thrown
    const legible = legiblePartOf(thrown)
    if (isLegible(legible)) return legible
  } catch {
    // told by what follows
  }
  return new Error('what was thrown cannot be read')
}

function isLegible(error: Error): boolean {
  const { name, message, stack = '' } = error
  return [name, message, stack].every((part) => typeof part === 'string') && canBeLogged(error)
}

/** An error of the same class with those members that are no objects and do not throw. */
function legiblePartOf(error: Error): Error {
  const part: Error = Object.create(Object.getPrototypeOf(error))
  const own = Object.keys(error)
  for (const key of new Set(['message', 'stack', ...own])) {
    try {
      const value: unknown = error[key as keyof Error]
      if (Object(value) === value) continue
      const enumerable = own.includes(key)
      Object.defineProperty(part, key, { value, enumerable, writable: true, configurable: true })
    } catch {
      // not legible, so no part of it
    }
  }
  return part
}
