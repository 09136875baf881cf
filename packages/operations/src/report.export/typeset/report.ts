import { untilAborted } from './abortable.ts'
import { FontLibrary } from './fonts/library.ts'
import { ReportDocument } from './layout/document.ts'
import type { ReportOptions } from './types.ts'

/**
 * Makes a PDF of the orders and yields its bytes as they are made, some 64 kB at a time; it works only while somebody
 * asks for more. The same options give the same bytes. Throws the signal's reason when it is aborted and a RangeError
 * at an order whose time or amounts cannot be read.
 */
export async function* typesetReport(options: ReportOptions): AsyncGenerator<Uint8Array> {
  const { orders, signal } = options
  signal?.throwIfAborted()
  const document = new ReportDocument(await FontLibrary.open(), options)
  for await (const batch of untilAborted(orders, signal)) {
    for (const order of batch) {
      await document.add(order)
      yield* document.ready()
      signal?.throwIfAborted()
    }
  }
  for await (const bytes of document.end()) {
    signal?.throwIfAborted()
    yield bytes
  }
}
