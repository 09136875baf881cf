import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from '@accepted/core'
import { Places } from '../places.ts'
import { problemOfParser, unknownMethod } from './client-errors.ts'
import { clientOf } from './client-of.ts'
import { Connection } from './connection.ts'
import { type ConnectionLimits, HEAD_MAX_BYTES, MAX_REFUSED, REFUSED_WITHIN_MS } from './connection-limits.ts'

import { SlowReaders } from './slow-readers.ts'

/** How often it is logged, at most, that connections are refused, ms. */
const TOLD_EVERY_MS = 60_000

export interface ConnectionDependencies {
  limits: ConnectionLimits
  /** Whether each address has its own limit: not where all connections come from one proxy. */
  limitsAddresses: boolean
  publicUrl: () => string
  log: Logger
}

/** The connections of this process: how many, how long, and what is answered where there is no request to answer. */
export class Connections {
  readonly #deps: ConnectionDependencies
  readonly #places: Places
  readonly #readers: SlowReaders
  readonly #open = new Map<Socket, Connection>()
  /** Requests that hold their body back until they are told to go on. */
  readonly #expectant = new WeakSet<IncomingMessage>()
  #refused = 0
  #toldMs = Number.NEGATIVE_INFINITY

  constructor(deps: ConnectionDependencies) {
    const { limits, limitsAddresses } = deps
    this.#deps = deps
    this.#places = new Places({
      inAll: limits.connections,
      perHolder: limitsAddresses ? limits.connectionsPerAddress : undefined,
    })
    this.#readers = new SlowReaders(limits)
  }

  /** A server that is not listening yet and hands each request to `handle`. */
  createServer(handle: RequestListener): Server {
    const { limits, publicUrl } = this.#deps
    const server = createServer({
      maxHeaderSize: HEAD_MAX_BYTES,
      headersTimeout: Math.min(limits.headMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.lookedAtEveryMs,
      keepAliveTimeout: limits.idleMs,
      insecureHTTPParser: false,
      // Told by a problem document instead.
      requireHostHeader: false,
      // Finds clients that vanished without a word.
      keepAlive: true,
    })
    // Node would drop fields past it without a word; they are counted where all can be told.
    server.maxHeadersCount = 0
    const begin = (request: IncomingMessage, response: ServerResponse) =>
      this.#open.get(request.socket)?.take(request, response, handle)
    server.on('request', begin)
    server.on('checkExpectation', begin)
    server.on('checkContinue', (request, response) => {
      this.#expectant.add(request)
      begin(request, response)
    })
    server.on('connect', ({ socket }) => this.#open.get(socket)?.fail(unknownMethod(), publicUrl()))
    server.on('connection', (socket) => this.#admit(socket))
    const watch = setInterval(() => this.#cutSlowReaders(), limits.lookedAtEveryMs).unref()
    server.once('close', () => clearInterval(watch))
    return server
  }

  /** For a server's `clientError`: what its parser refuses, before there is a request, gets a problem document too. */
  answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const problem = problemOfParser(error)
    const connection = this.#open.get(socket)
    if (!problem || !connection || !socket.writable) socket.destroy()
    else connection.fail(problem, this.#deps.publicUrl())
  }

  /** The connection of a request; undefined if it came over none. */
  of(request: IncomingMessage): Connection | undefined {
    return this.#open.get(request.socket)
  }

  /** Whether the client of a request waits for `100 Continue` before it sends the body. */
  expectsContinue(request: IncomingMessage): boolean {
    return this.#expectant.has(request)
  }

  /** Lets a client that waits for it send its body. */
  continue(request: IncomingMessage, response: ServerResponse): void {
    if (this.#expectant.delete(request)) response.writeContinue()
  }

  #admit(socket: Socket): void {
    const { lingerMs } = this.#deps.limits
    const address = clientOf(socket.remoteAddress ?? '')
    const hasPlace = this.#places.take(address)
    if (!hasPlace) this.#tell(address)
    if (!hasPlace && this.#refused >= MAX_REFUSED) return void socket.destroy()
    // Of a socket that asked for CONNECT nobody else hears that it broke; unheard, that would end the process.
    socket.on('error', () => socket.destroy())
    this.#open.set(socket, new Connection(socket, { isRefused: !hasPlace, lingerMs }))
    if (hasPlace) {
      socket.once('close', () => {
        this.#open.delete(socket)
        this.#places.free(address)
      })
      return
    }
    this.#refused += 1
    const cut = setTimeout(() => socket.destroy(), REFUSED_WITHIN_MS)
    socket.once('close', () => {
      clearTimeout(cut)
      this.#open.delete(socket)
      this.#refused -= 1
    })
  }

  #tell(address: string): void {
    const nowMs = performance.now()
    if (nowMs - this.#toldMs < TOLD_EVERY_MS) return
    this.#toldMs = nowMs
    this.#deps.log.warn(
      { address, connections: this.#places.taken },
      'connections are refused: too many are open',
    )
  }

  #cutSlowReaders(): void {
    const nowMs = performance.now()
    for (const socket of this.#open.keys()) {
      if (this.#readers.isTooSlow(socket, nowMs)) socket.destroy()
    }
  }
}
