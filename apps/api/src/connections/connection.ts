import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type ProblemError, problemDocument } from '../problem.ts'
import { securityHeaders } from '../security-headers.ts'
import { MAX_PIPELINED } from './connection-limits.ts'

/** One connection: what is under way on it, and how it ends so that its client still hears what it was told. */
export class Connection {
  /** Whether it is one too many: its first request is answered so, and it is closed. */
  readonly isRefused: boolean
  readonly #socket: Socket
  readonly #lingerMs: number
  /** Requests that were not answered yet. */
  #underWay = 0
  /** Those of them that wait for the answers before theirs. */
  readonly #waiting: (() => void)[] = []
  #oneTooMany: IncomingMessage | undefined
  #latest: { request: IncomingMessage; response: ServerResponse } | undefined
  /** What is to be done once as few as that are under way. */
  #later: { underWay: number; act: () => void } | undefined
  #isClosing = false
  #isLeaving = false

  /** One answer is over. The same function for all: one is made of each request. */
  readonly #answered = () => {
    this.#underWay -= 1
    if (this.#later && this.#underWay <= this.#later.underWay) this.#later.act()
    else if (!this.isClosing) this.#waiting.shift()?.()
  }

  constructor(socket: Socket, { isRefused, lingerMs }: { isRefused: boolean; lingerMs: number }) {
    this.isRefused = isRefused
    this.#socket = socket
    this.#lingerMs = lingerMs
  }

  /** Whether no request is taken from it any more. */
  get isClosing(): boolean {
    return this.#isClosing || this.#isLeaving
  }

  /**
   * A request has come. Requests of one connection are handled one after the other, so that who sends many and reads slowly has
   * one answer in memory; who sends more than `MAX_PIPELINED` ahead is told so in its turn, and not heard any more.
   */
  take(request: IncomingMessage, response: ServerResponse, handle: RequestListener): void {
    if (this.isClosing || this.#oneTooMany) return
    if (this.#underWay === MAX_PIPELINED) this.#oneTooMany = request
    this.#underWay += 1
    this.#latest = { request, response }
    response.on('close', this.#answered)
    if (this.#underWay === 1) handle(request, response)
    else this.#waiting.push(() => handle(request, response))
  }

  /** Whether too many unanswered requests were before it. */
  isOneTooMany(request: IncomingMessage): boolean {
    return this.#oneTooMany === request
  }

  /**
   * What came is no request, or a body that is none: answers that, after the requests before it, and closes. Nothing is said
   * in the middle of another answer.
   */
  fail(problem: ProblemError, publicUrl: string): void {
    if (this.isClosing || this.#later) return
    const current = this.#latest && !this.#latest.request.complete ? this.#latest : undefined
    const before = current ? this.#underWay - 1 : this.#underWay
    const act = () => (current?.response.headersSent ? this.leave() : this.refuse(problem, publicUrl))
    if (before <= 0) act()
    else this.#later = { underWay: this.#underWay - before, act }
  }

  /** Writes an answer of its own, past Node's, and closes. */
  refuse(problem: ProblemError, publicUrl: string): void {
    if (!this.#socket.writable) return
    const body = problemDocument(problem, publicUrl, true)
    const head = [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${randomUUID()}`,
      ...Object.entries({ ...securityHeaders(publicUrl), ...problem.options.headers }).map((field) =>
        field.join(': '),
      ),
      'Connection: close',
    ]
    this.#socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    this.leave()
  }

  /** Its present answer, which says `Connection: close`, is the last: what still comes is read for nothing. */
  closeAfterAnswer(): void {
    this.#isClosing = true
    // What Node calls once that answer is written: it would reset a client that still sends, and so take the answer from it.
    this.#socket.destroySoon = () => this.leave()
  }

  /** Says no more, and bears with what the client still sends for a while, so that it can read what it was told. */
  leave(): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    const cut = setTimeout(() => this.#socket.destroy(), this.#lingerMs)
    this.#socket.once('close', () => clearTimeout(cut))
    this.#socket.end()
    this.#socket.resume()
  }
}
