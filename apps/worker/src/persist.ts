import { setTimeout as pause } from 'node:timers/promises'
import { type Logger, StoreUnavailable } from '@accepted/core'

const STORE_RETRY_MS = 200

/** Writes until the store has taken or refused it, however long it is away. */
export async function persist<T>(write: () => Promise<T>, log: Logger): Promise<T> {
  for (let told = false; ; told = true) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error
      // Told once, however long it lasts.
      log[told ? 'debug' : 'warn']({ err: error }, 'the store is away; writing again')
      await pause(STORE_RETRY_MS)
    }
  }
}
