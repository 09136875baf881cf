import { Type } from 'typebox'

/** The same, or null. */
export const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** A UUIDv7 (RFC 9562), in lower case. */
export const Uuid7 = (description: string) =>
  Type.String({
    pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
    description,
    examples: ['0199a1b2-5c3d-7000-8a4b-1c2d3e4f5a6b'],
  })

/** RFC 3339, UTC, with milliseconds. */
export const Timestamp = (description: string) =>
  Type.String({
    format: 'date-time',
    pattern: '\\.\\d{3}Z$',
    description,
    examples: ['2026-11-21T10:00:00.000Z'],
  })
