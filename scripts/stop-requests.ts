const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** One Ctrl-C arrives up to three times: from the terminal, and handed on by npm and by the bootstrap. */
const sameRequestMs = 400

export interface StopHandlers {
  /** The first request: end in order. */
  stop: () => void
  /** Every further one: end at once. */
  stopAtOnce: () => void
}

/**
 * Listens for requests to end: signals, and the end of whoever started us, which shows as the end of the channel to it.
 * @returns a function that stops listening; until then the listening keeps the process alive.
 */
export function onStopRequests({ stop, stopAtOnce }: StopHandlers): () => void {
  let lastAt: number | undefined
  const request = () => {
    const now = performance.now()
    const isRepeat = lastAt !== undefined && now - lastAt < sameRequestMs
    const isFirst = lastAt === undefined
    lastAt = now
    if (isFirst) stop()
    else if (!isRepeat) stopAtOnce()
  }
  for (const signal of stopSignals) process.on(signal, request)
  process.on('disconnect', request)
  return () => {
    for (const signal of stopSignals) process.off(signal, request)
    process.off('disconnect', request)
  }
}
