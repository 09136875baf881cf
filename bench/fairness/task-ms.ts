/** What a task takes in the mean. */
export const TASK_MS = 100

/** How long the next one takes: half as long or longer, evenly, so that slots do not come free all at once. */
export function taskMs(): number {
  return TASK_MS * (0.5 + Math.random())
}
