import type { Attack } from './attacks.ts'

/** Tries at most. */
const TRIES = 150

/** The shortest attack found that still shows a fault: pieces are left out as long as it does. */
export async function shortest(attack: Attack, shows: (attack: Attack) => Promise<boolean>): Promise<Attack> {
  let best = attack
  let tries = 0
  const better = async (candidate: Attack) => {
    if (tries >= TRIES) return false
    tries += 1
    if (!(await shows(candidate))) return false
    best = candidate
    return true
  }
  await better({ ...best, parts: [Buffer.concat(best.parts)], pauseMs: 0 })
  await better({ ...best, ending: 'reads' })
  const bytes = () => Buffer.concat(best.parts)
  for (let size = Math.ceil(bytes().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < bytes().length; ) {
      const left = Buffer.concat([bytes().subarray(0, at), bytes().subarray(at + size)])
      const isBetter = await better({ ...best, parts: [left] })
      if (!isBetter) at += size
    }
  }
  return best
}
