import type { ResourceSpace } from './resource-space.ts'

/** The largest report that an installation can keep. */
export const REPORT_MAX_BYTES = 67_108_864

/** Bytes of a chunk: small enough that no command moves much, large enough that there are few. */
const CHUNK_BYTES = 256 * 1024
/** A report that is being written but never finished is gone after this. */
const UNFINISHED_SECONDS = 3600

/** What is known of a kept report. */
export interface Report {
  reportId: string
  sizeBytes: number
  fileName: string
  createdAt: string
}

/** Thrown by `write` when there are more bytes than may be kept. */
export class ReportTooLarge extends Error {
  override name = 'ReportTooLarge'
}

/**
 * The reports of a tenant: `report:ID` is a hash of what is known of it, `report:ID:N` its chunks. All vanish together,
 * by Redis's own expiry.
 */
export function reportStore({ redis, key }: ResourceSpace) {
  const chunkKey = (reportId: string, index: number) => key(`report:${reportId}:${index}`)
  return {
    /**
     * Keeps a report's bytes as they come; nobody sees it before `publish`. Writing it again replaces it.
     *
     * @returns its size in bytes
     * @throws {ReportTooLarge} beyond `maxBytes`; what was written of it is removed
     */
    async write(reportId: string, bytes: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number> {
      let size = 0
      let chunks = 0
      for await (const chunk of chunked(bytes)) {
        size += chunk.length
        if (size > maxBytes) {
          await removeChunks(reportId, chunks)
          throw new ReportTooLarge(`the report is larger than ${maxBytes} bytes`)
        }
        await redis.set(chunkKey(reportId, chunks), chunk, 'EX', UNFINISHED_SECONDS)
        chunks += 1
      }
      return size
    },

    /** Makes a written report visible for `retentionSeconds`. */
    async publish(report: Report, retentionSeconds: number): Promise<void> {
      const chunks = Math.ceil(report.sizeBytes / CHUNK_BYTES)
      const change = redis
        .multi()
        .hset(key(`report:${report.reportId}`), { ...report })
        .expire(key(`report:${report.reportId}`), retentionSeconds)
      for (let index = 0; index < chunks; index += 1)
        change.expire(chunkKey(report.reportId, index), retentionSeconds)
      for (const [error, kept] of (await change.exec()) ?? []) {
        if (error) throw error
        if (kept === 0 && chunks === 0) throw new Error('the report was not written')
      }
    },

    async get(reportId: string): Promise<Report | null> {
      const fields = await redis.hgetall(key(`report:${reportId}`))
      if (!fields.reportId) return null
      return { ...(fields as unknown as Report), sizeBytes: Number(fields.sizeBytes) }
    },

    /** The bytes from `first` to `last`, both in it, a chunk at a time. @throws {Error} if one has vanished */
    async *read(reportId: string, first: number, last: number): AsyncGenerator<Buffer> {
      for (let index = Math.floor(first / CHUNK_BYTES); index * CHUNK_BYTES <= last; index += 1) {
        const start = index * CHUNK_BYTES
        const from = Math.max(first - start, 0)
        const to = Math.min(last - start, CHUNK_BYTES - 1)
        const part = await redis.getrangeBuffer(chunkKey(reportId, index), from, to)
        if (part.length !== to - from + 1) throw new Error(`chunk ${index} of report ${reportId} is gone`)
        yield part
      }
    },
  }

  async function removeChunks(reportId: string, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) await redis.del(chunkKey(reportId, index))
  }
}

/** Cuts bytes into chunks of exactly `CHUNK_BYTES`, the last one apart. */
async function* chunked(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const part of bytes) {
    parts.push(part)
    size += part.length
    if (size < CHUNK_BYTES) continue
    const joined = Buffer.concat(parts)
    let from = 0
    for (; from + CHUNK_BYTES <= size; from += CHUNK_BYTES) yield joined.subarray(from, from + CHUNK_BYTES)
    parts = [joined.subarray(from)]
    size -= from
  }
  if (size > 0) yield Buffer.concat(parts)
}
