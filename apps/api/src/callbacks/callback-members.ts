import { CallbackMembers } from '@accepted/contract'
import type { FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { cutMembers } from './cut-members.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The callback options that were members of the body; none where they are not taken out of it. */
    callbackMembers: Record<string, unknown> | null
  }
}

const NAMES = Object.keys(CallbackMembers.properties)

/** Gives requests a place for what `takeCallbackMembers` takes. */
export const callbackMembers = plugin(
  async (app) => {
    app.decorateRequest('callbackMembers', null)
  },
  { name: 'callback-members' },
)

/** Takes the callback options out of a body, and out of its text, before it is validated: what is left is the operation's input. */
export async function takeCallbackMembers(request: FastifyRequest): Promise<void> {
  const { body, bodyText } = request
  if (typeof body !== 'object' || body === null || !NAMES.some((name) => Object.hasOwn(body, name))) return
  const isTaken = ([name]: [string, unknown]) => NAMES.includes(name)
  const members = Object.entries(body)
  request.callbackMembers = Object.fromEntries(members.filter(isTaken))
  request.body = Object.fromEntries(members.filter((member) => !isTaken(member)))
  request.bodyText = cutMembers(bodyText, NAMES)
}
