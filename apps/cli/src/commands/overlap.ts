import { durationMs } from '@accepted/contract'
import { ROTATION_OVERLAP_MS } from '@accepted/core'
import type { CommandOption } from '../command.ts'

/** How long the one before goes on to be valid. */
export const OVERLAP: CommandOption = {
  placeholder: 'D',
  description: 'how long the one before stays valid: 90s, 30m, 24h, 7d; 24h if not said; 0: not at all',
  faultOf: (value) =>
    readOverlap(value) === undefined ? 'must be 0, or a number and ms, s, m, h or d' : undefined,
}

/** In ms. */
export function overlapOf({ overlap }: Readonly<Record<string, string>>): number {
  return overlap === undefined ? ROTATION_OVERLAP_MS : readOverlap(overlap)!
}

function readOverlap(text: string): number | undefined {
  return text === '0' ? 0 : durationMs(text)
}
