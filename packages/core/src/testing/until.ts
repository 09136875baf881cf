/** Asks until it is so. @throws {Error} after `withinMs` */
export async function until<T>(
  ask: () => Promise<T | false | null | undefined>,
  withinMs = 10_000,
): Promise<T> {
  const end = performance.now() + withinMs
  while (performance.now() < end) {
    const answer = await ask()
    if (answer) return answer
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`it did not come true within ${withinMs} ms: ${ask}`)
}
