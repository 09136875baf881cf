import { type Static, Type } from 'typebox'
import { DeliveryId } from './callbacks.ts'
import { Line, Nullable, Timestamp, Uuid7 } from './schemas.ts'

/** What is noted in the audit trail. */
export const AUDIT_ACTIONS = [
  'task.create',
  'task.cancel',
  'task.confirm',
  'task.delete',
  'task.withdraw',
  'delivery.redeliver',
  'key.create',
  'key.revoke',
  'secret.rotate',
  'signing_key.rotate',
  'limits.set',
  'limits.clear',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/** What is done, in words. */
const ACTION_WORDS = `\`task.create\` a start that was accepted; \`task.cancel\`, \`task.confirm\`, \`task.delete\`, \`delivery.redeliver\` what a client asked for; \`task.withdraw\` the service took back a start, since Redis's answer got lost and its client was refused; \`key.…\`, \`secret.rotate\`, \`signing_key.rotate\`, \`limits.…\` what an operator did at the command line`

/** One line of the audit trail. */
export const AuditEntryDocument = Type.Object(
  {
    audit_id: Type.String({
      pattern: '^aud_[0-9a-z-]{5,40}$',
      maxLength: 44,
      description: 'The entry; of later ones it is another',
    }),
    at: Timestamp('When it was'),
    action: Type.Enum([...AUDIT_ACTIONS], { description: ACTION_WORDS }),
    actor: Line({
      maxLength: 200,
      description:
        'Who did it: the `key_id` of an API key; the issuer and the subject of a token, a space between; `cli:USER@HOST`; `anybody` where nobody is asked; `service`. A name that is longer, or has characters that are not shown, ends in `…` and a digest of it',
      examples: ['key_5dJ0cG3vQm8zR1aL'],
    }),
    address: Nullable(
      Line({
        maxLength: 64,
        description: 'From where: the IP address of the client, or `command line`; null: the service itself',
        examples: ['203.0.113.7'],
      }),
    ),
    request_id: Nullable(
      Type.String({
        pattern: '^[A-Za-z0-9._-]+$',
        maxLength: 128,
        description: 'The `X-Request-Id` of the answer; null: it was no request',
      }),
    ),
    task_id: Nullable(Uuid7('What it was done to')),
    operation: Nullable(
      Line({
        maxLength: 128,
        description: 'Of the task; null of deliveries',
        examples: ['car.build'],
      }),
    ),
    delivery_id: Nullable(DeliveryId('The delivery that was asked for again')),
    key_id: Nullable(
      Type.String({
        pattern: '^key_[A-Za-z0-9_-]{16}$',
        maxLength: 20,
        description: 'The key that was made or revoked',
      }),
    ),
    detail: Nullable(
      Line({
        maxLength: 1000,
        description: 'Of a new key: its scopes; of limits: which, and what they are',
        examples: ['tasks:read tasks:write'],
      }),
    ),
  },
  {
    $id: 'AuditEntry',
    title: 'AuditEntry',
    description: 'Who did what, when and from where. What an act has nothing of is null',
    examples: [
      {
        audit_id: 'aud_1795255200000-0-t',
        at: '2026-11-21T10:00:00.000Z',
        action: 'task.create',
        actor: 'key_5dJ0cG3vQm8zR1aL',
        address: '203.0.113.7',
        request_id: '8404ff52-6495-47bf-ad24-4c17b867fdb3',
        task_id: '0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b',
        operation: 'car.build',
        delivery_id: null,
        key_id: null,
        detail: null,
      },
    ],
  },
)
export type AuditEntryDocument = Static<typeof AuditEntryDocument>
