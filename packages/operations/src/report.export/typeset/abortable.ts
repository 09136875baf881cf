/**
 * Hands on what `source` yields and throws the signal's reason as soon as it is aborted, even while the source is
 * still thinking. Whatever ends the iteration, the source is told to return.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  let exhausted = false
  try {
    for (;;) {
      signal?.throwIfAborted()
      const next = await orAborted(iterator.next(), signal)
      if (next.done) {
        exhausted = true
        return
      }
      yield next.value
    }
  } finally {
    // Not awaited: a source that hangs in next() answers return() only after it, and abort must not wait for that.
    if (!exhausted) iterator.return?.().catch(() => {})
  }
}

// A listener for each promise, not one promise raced against for ever: that one would keep every loser alive.
function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
