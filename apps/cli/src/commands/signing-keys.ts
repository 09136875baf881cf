import { type InstallationKey, maybeTimestamp, timestamp, whpk } from '@accepted/core'
import type { Command, Row } from '../command.ts'
import { OVERLAP, overlapOf } from './overlap.ts'

/** `accepted signing-keys …` */
export const SIGNING_KEYS_COMMANDS: Command[] = [
  {
    name: 'signing-keys list',
    summary: 'The public Ed25519 keys of callbacks, as /.well-known/jwks.json has them too.',
    options: {},
    run: async ({ signingKeys }) => (await signingKeys.all()).map(rowOf),
  },
  {
    name: 'signing-keys rotate',
    summary: 'A new Ed25519 key. The one before stays valid for the overlap, any older one does not.',
    options: { overlap: OVERLAP },
    run: async ({ signingKeys, actedBy }, options) =>
      (await signingKeys.rotate(overlapOf(options), actedBy)).map(rowOf),
  },
]

function rowOf({ publicJwk, createdMs, expiresMs }: InstallationKey): Row {
  return {
    kid: publicJwk.kid,
    public_key: whpk(publicJwk),
    created_at: timestamp(createdMs),
    expires_at: maybeTimestamp(expiresMs),
  }
}
