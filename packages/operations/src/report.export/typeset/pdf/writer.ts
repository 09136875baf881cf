import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import { dateString, type Ref, reference, textString } from './syntax.ts'

const compress = promisify(deflate)
const chunkBytes = 65_536

export interface DocumentInformation {
  readonly title: string
  readonly createdAt: Date
}

/**
 * Writes the objects of a PDF file one after the other, in any order, and forgets them: what it keeps is where each
 * one begins. Bytes gather until `take` fetches them.
 */
export class PdfWriter {
  readonly #offsets: number[] = [0]
  readonly #hash = createHash('sha256')
  #deflating: { ref: Ref; entries: string; bytes: Promise<Buffer> } | undefined
  #chunks: Buffer[] = []
  #gathered = 0
  #position = 0

  constructor() {
    // The second line has four bytes above 127, by which transfer programs recognise a binary file.
    this.#write('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n')
  }

  /** A number for an object that is written later, so that others can name it before. */
  reserve(): Ref {
    return this.#offsets.push(0) - 1
  }

  object(ref: Ref, body: string): void {
    this.#begin(ref)
    this.#write(`${body}\nendobj\n`)
  }

  /**
   * Writes a stream; `entries` are those of its dictionary besides length and filter. The thread pool deflates it while
   * the caller goes on, and it is written before the next one: whenever it is ready, the file is the same.
   */
  async stream(ref: Ref, entries: string, content: string | Uint8Array): Promise<void> {
    await this.#writeDeflated()
    const bytes = compress(typeof content === 'string' ? Buffer.from(content, 'latin1') : content)
    bytes.catch(() => {}) // reported by whoever waits for it; nobody does if the report is given up
    this.#deflating = { ref, entries, bytes }
  }

  /** Ends the file. Its id is made of its bytes, so the same document has the same id. */
  async end(catalogue: Ref, { title, createdAt }: DocumentInformation): Promise<void> {
    await this.#writeDeflated()
    const information = this.reserve()
    const created = dateString(createdAt)
    this.object(
      information,
      `<</Title${textString(title)}/Producer(Accepted)/CreationDate${created}/ModDate${created}>>`,
    )
    const start = this.#position
    const [, ...offsets] = this.#offsets
    const lines = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`)
    this.#write(`xref\n0 ${this.#offsets.length}\n0000000000 65535 f \n${lines.join('')}`)
    const id = `<${this.#hash.copy().digest('hex').slice(0, 32)}>`
    const entries = `/Size ${this.#offsets.length}/Root ${reference(catalogue)}/Info ${reference(information)}/ID[${id}${id}]`
    this.#write(`trailer\n<<${entries}>>\nstartxref\n${start}\n%%EOF\n`)
  }

  /** The bytes gathered since the last time, once they are worth a chunk; with `all`, however few they are. */
  take(all = false): Uint8Array | undefined {
    if (this.#gathered === 0 || (!all && this.#gathered < chunkBytes)) return undefined
    const bytes = Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#gathered = 0
    return bytes
  }

  async #writeDeflated(): Promise<void> {
    if (!this.#deflating) return
    const { ref, entries } = this.#deflating
    const bytes = await this.#deflating.bytes
    this.#deflating = undefined
    this.#begin(ref)
    this.#write(`<<${entries}/Length ${bytes.length}/Filter/FlateDecode>>\nstream\n`)
    this.#write(bytes)
    this.#write('\nendstream\nendobj\n')
  }

  #begin(ref: Ref): void {
    this.#offsets[ref] = this.#position
    this.#write(`${ref} 0 obj\n`)
  }

  #write(data: string | Buffer): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    this.#hash.update(bytes)
    this.#chunks.push(bytes)
    this.#gathered += bytes.length
    this.#position += bytes.length
  }
}
