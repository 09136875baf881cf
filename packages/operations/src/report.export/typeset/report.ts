import { setImmediate } from 'node:timers/promises'
import { untilAborted } from './abortable.ts'
import { FontLibrary } from './fonts/library.ts'
import { ReportDocument } from './layout/document.ts'
import type { ReportOptions } from './types.ts'

/** After so much work at a stretch, others get their turn: orders may be as large as a page of usual ones. */
const longestTurnMs = 15

/**
 * Makes a PDF of the orders and yields its bytes as they are made, some 64 kB at a time; it works only while somebody
 * asks for more. The same options give the same bytes. Throws the signal's reason when it is aborted and a RangeError
 * at an order whose time or amounts cannot be read.
 */
export async function* typesetReport(options: ReportOptions): AsyncGenerator<Uint8Array> {
  const { orders, signal } = options
  signal?.throwIfAborted()
  const document = new ReportDocument(await FontLibrary.open(), options)
  let resumedAt = performance.now()
  for await (const batch of untilAborted(orders, signal)) {
    for (const order of batch) {
      await document.add(order)
      yield* document.ready()
      if (performance.now() - resumedAt > longestTurnMs) {
        await setImmediate()
        resumedAt = performance.now()
      }
      signal?.throwIfAborted()
    }
  }
  yield* untilAborted(document.end(), signal)
}
