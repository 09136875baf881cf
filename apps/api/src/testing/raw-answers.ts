/** An answer as it stands in the bytes of a connection. */
export interface RawAnswer {
  status: number
  headers: Record<string, string>
  body: Buffer
}

const STATUS_LINE = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/
const FIELD = /^([!#$%&'*+.^_`|~\w-]+): ?([\x20-\x7e\t]*)$/

/**
 * The answers of which bytes consist, one after the other; of the last, which may still go on, what has come of its body.
 * Interim answers (1xx) are answers. As HTTP/1.1 (RFC 9112) has it, and nothing laxer.
 *
 * @param methods those of the requests, in order, to know which answers have no body; GET where none is told
 * @throws {Error} if that is no HTTP
 */
export function readAnswers(bytes: Buffer, methods: readonly string[] = []): RawAnswer[] {
  const answers: RawAnswer[] = []
  let at = 0
  let final = 0
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at)
    if (end === -1) {
      if (!/^(H|HT|HTT|HTTP|HTTP\/.*)$/s.test(bytes.toString('latin1', at))) throw broken(bytes, at)
      return answers
    }
    const [line, ...fields] = bytes.toString('latin1', at, end).split('\r\n') as [string, ...string[]]
    const status = Number(STATUS_LINE.exec(line)?.[1] ?? Number.NaN)
    if (Number.isNaN(status)) throw broken(bytes, at)
    const headers: Record<string, string> = {}
    for (const field of fields) {
      const [, name, value] = FIELD.exec(field) ?? []
      if (name === undefined) throw broken(bytes, at)
      headers[name.toLowerCase()] = value!
    }
    const hasBody = status >= 200 && status !== 204 && status !== 304 && methods[final] !== 'HEAD'
    const { body, next } = hasBody
      ? bodyAt(bytes, end + 4, headers)
      : { body: Buffer.alloc(0), next: end + 4 }
    answers.push({ status, headers, body })
    if (status >= 200) final += 1
    at = next
  }
  return answers
}

function bodyAt(bytes: Buffer, start: number, headers: Record<string, string>) {
  const { 'content-length': length, 'transfer-encoding': coding } = headers
  if (coding === 'chunked' && length === undefined) return chunksAt(bytes, start)
  if (length === undefined) return { body: bytes.subarray(start), next: bytes.length }
  if (!/^\d+$/.test(length) || coding !== undefined) throw broken(bytes, start)
  const next = start + Number(length)
  return { body: bytes.subarray(start, next), next }
}

function chunksAt(bytes: Buffer, start: number) {
  const parts: Buffer[] = []
  let at = start
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) break
    const size = bytes.toString('latin1', at, end)
    if (!/^[\da-f]+$/i.test(size)) throw broken(bytes, at)
    const from = end + 2
    const to = from + Number.parseInt(size, 16)
    if (size === '0') return { body: Buffer.concat(parts), next: from + 2 }
    parts.push(bytes.subarray(from, to))
    at = to + 2
  }
  return { body: Buffer.concat(parts), next: bytes.length }
}

function broken(bytes: Buffer, at: number): Error {
  return new Error(`no HTTP at byte ${at}: ${JSON.stringify(bytes.toString('latin1', at, at + 80))}`)
}
