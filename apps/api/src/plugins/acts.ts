import { type ActedBy, ADDRESS_LENGTH, harmless } from '@accepted/core'
import type { FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyRequest {
    /** Where it comes from: an IP address, or what a trusted proxy says instead; at most 64 characters, harmless. */
    readonly address: string
    /** Who acts by it and from where, for the audit trail; undefined: there is none. Not to be asked on a route that is open to all. */
    readonly actedBy: ActedBy | undefined
  }
}

export interface ActsOptions {
  /** How many entries a tenant's trail keeps; 0: nothing is noted. */
  entries: number
}

/** Knows who acts and from where. To be registered before what refuses requests: logs tell where those came from. */
export const acts = plugin<ActsOptions>(
  async (app, { entries }) => {
    // Connections ask for theirs when they begin; so it is known when the client has left, too.
    app.decorateRequest('address', {
      getter(this: FastifyRequest): string {
        // On a socket of both kinds an IPv4 address comes as one of IPv6.
        return harmless((this.ip ?? 'unknown').replace(/^::ffff:(?=\d+\.)/i, ''), ADDRESS_LENGTH)
      },
    })
    app.decorateRequest('actedBy', {
      getter(this: FastifyRequest): ActedBy | undefined {
        const { caller, address, id } = this
        return entries === 0 ? undefined : { name: caller.name, address, requestId: id, kept: entries }
      },
    })
  },
  { name: 'acts' },
)
