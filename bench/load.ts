import autocannon from 'autocannon'

/** Requests per second that a server answers with 64 connections open, over a few seconds; any error fails the bench. */
export async function requestsPerSecond(options: autocannon.Options, seconds: number): Promise<number> {
  const result = await autocannon({ connections: 64, duration: seconds, ...options })
  if (result.errors > 0 || result.non2xx > 0) {
    throw new Error(`${result.errors} errors, ${result.non2xx} answers that are not 2xx from ${options.url}`)
  }
  return result.requests.average
}

/** The middle of an odd number of figures, or the mean of the two in the middle. */
export function median(figures: number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Measures two sides in turn, so that whatever else the machine does befalls both; resolves to the medians. */
export async function sideBySide(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<{ ours: number; theirs: number }> {
  const figures: { ours: number[]; theirs: number[] } = { ours: [], theirs: [] }
  for (let round = 0; round < rounds; round += 1) {
    figures.theirs.push(await theirs())
    figures.ours.push(await ours())
  }
  return { ours: median(figures.ours), theirs: median(figures.theirs) }
}
