/**
 * Hands on what `source` yields and throws the signal's reason as soon as it is aborted, even while the source is
 * still thinking. Whatever ends the iteration, the source is told to return.
 */
export async function* untilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  let state: 'idle' | 'thinking' | 'ended' = 'idle'
  try {
    for (;;) {
      signal?.throwIfAborted()
      state = 'thinking'
      const next = await orAborted(iterator.next(), signal)
      state = next.done ? 'ended' : 'idle'
      if (next.done) return
      yield next.value
    }
  } finally {
    if (state === 'idle') await iterator.return?.()
    // A source that thinks answers only after it has thought, and abort must not wait for that.
    if (state === 'thinking') iterator.return?.().catch(() => {})
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
