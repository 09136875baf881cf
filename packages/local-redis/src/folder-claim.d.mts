export type FolderClaim = { outcome: 'claimed'; release: () => void } | { outcome: 'held'; pid: number }

export interface ClaimOptions {
  /** In whose name; the claim lapses when this process ends. Default: the caller's own. */
  pid?: number
  /** How long to wait for another holder to let go. Default 0. */
  waitMs?: number
  /** Called once, with the holder's pid, before the waiting begins. */
  onWait?: (holder: number) => void
}

/**
 * Claims a folder (made if need be) for one live process of this machine. Claims of dead processes do not count.
 * @throws Error if `pid` is not running, or the folder cannot be written.
 */
export declare function claimFolder(folder: string, options?: ClaimOptions): Promise<FolderClaim>

/** Whether a process of this machine lives; one that has ended and was not yet waited for does not. */
export declare function isRunning(pid: number): boolean
