import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FieldValue, type InputFault, MOST_INPUT_FAULTS, Uuid7 } from '@accepted/contract'
import { compileCheck, guarded } from '@accepted/core'
import { Order, type orderStore, REPORT_MAX_BYTES, type Report, type reportStore } from '@accepted/operations'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { byteRange } from '../byte-range.ts'
import { decodeUtf8, parseJson } from '../json-text.ts'
import { invalidInput, ProblemError } from '../problem.ts'
import { BODY_PROBLEMS, emptyResponse, problemResponses, response } from '../responses.ts'
import { namesTag } from '../task-styles.ts'

/** The orders and reports of a request's tenant. */
export interface OrderStores {
  ordersOf: (request: FastifyRequest) => ReturnType<typeof orderStore>
  reportsOf: (request: FastifyRequest) => ReturnType<typeof reportStore>
}

const BULK_MAX_BYTES = 16 * 1024 * 1024
const BULK_MAX_LINES = 10_000
/** Empty ones included. */
const MOST_LINES = 2 * BULK_MAX_LINES
/** Characters of lines that are read in one turn of the event loop. */
const CHARACTERS_A_TURN = 32_768
const NDJSON = 'application/x-ndjson'
const NDJSON_WORDS = {
  description: 'An order a line, as `application/json` has it; empty lines are passed over',
  examples: [
    '{"order_id":"A-1","ordered_at":"2021-10-03T10:00:00Z","customer":"Zoë","currency":"EUR","items":[{"sku":"X1","description":"Lamp","quantity":2,"unit_price":"9.50"}]}\n',
  ],
}
const PDF = 'application/pdf'

/** `POST /orders`, `GET /orders/reports/{id}`. */
export function orderRoutes(app: FastifyInstance, stores: OrderStores): void {
  const faultsOf = compileCheck(Order)

  app.register(async (scope) => {
    scope.addContentTypeParser(
      NDJSON,
      { parseAs: 'buffer', bodyLimit: BULK_MAX_BYTES },
      async (request: FastifyRequest, body: Buffer) => {
        request.bodyBytes = body.length
        return readLines(decodeUtf8(body), faultsOf)
      },
    )
    scope.post(
      '/orders',
      {
        config: { access: ['tasks:write'], bodyLimits: { [NDJSON]: BULK_MAX_BYTES }, load: 'starts' },
        schema: {
          operationId: 'order.put',
          summary: 'Add orders',
          description: `One as JSON, or up to ${BULK_MAX_LINES} as NDJSON, all or none. An \`order_id\` sent again replaces the order.`,
          tags: ['orders'],
          body: {
            content: {
              'application/json': { schema: Order },
              [NDJSON]: { schema: Type.Unknown(NDJSON_WORDS) },
            },
          },
          response: {
            201: response(
              'The orders are kept',
              Type.Object({
                orders: Type.Integer({
                  minimum: 1,
                  maximum: BULK_MAX_LINES,
                  description: 'How many were sent',
                }),
              }),
            ),
            ...problemResponses(...BODY_PROBLEMS, 'invalid_input', 'store_unavailable'),
          },
        },
      },
      async (request, reply) => {
        if (!request.body) throw invalidInput([{ pointer: '#', detail: 'has no order' }])
        const orders = [request.body as Order | Order[]].flat()
        await guarded(() => stores.ordersOf(request).put(orders))
        request.log.info({ orders: orders.length }, 'orders kept')
        return reply.code(201).send({ orders: orders.length })
      },
    )
  })

  app.get(
    '/orders/reports/:report_id',
    {
      config: { access: ['tasks:read'], produces: [PDF], load: 'lists' },
      schema: {
        operationId: 'report.read',
        summary: 'Read a report',
        description: 'The PDF that a `report.export` task made, whole or one range of its bytes.',
        tags: ['reports'],
        params: Type.Object({ report_id: Uuid7('The report') }),
        headers: Type.Object({
          range: Type.Optional(
            FieldValue('One range of bytes (RFC 9110); several, or another unit: the whole'),
          ),
          'if-range': Type.Optional(
            FieldValue('The range only if the report is still at this `ETag`, else the whole'),
          ),
          'if-none-match': Type.Optional(FieldValue('304 if it is still at this `ETag`')),
        }),
        response: {
          200: response(
            'The PDF',
            Type.String({ contentMediaType: PDF, pattern: '^%PDF-', maxLength: REPORT_MAX_BYTES }),
            PDF_HEADERS,
            { mediaType: PDF },
          ),
          206: response(
            'The range of it',
            Type.String({ contentMediaType: PDF, maxLength: REPORT_MAX_BYTES }),
            [...PDF_HEADERS, 'Content-Range'],
            { mediaType: PDF },
          ),
          304: emptyResponse('It has not changed', ['ETag', 'Cache-Control', 'Accept-Ranges']),
          ...problemResponses('not_found', 'range_not_satisfiable', 'store_unavailable'),
        },
      },
    },
    async (request, reply) => {
      const { report_id: reportId } = request.params as { report_id: string }
      const reports = stores.reportsOf(request)
      const report = await guarded(() => reports.get(reportId))
      if (!report) throw new ProblemError('not_found', 'There is no such report, or no more.')
      return sendReport(request, reply, report, reports)
    },
  )
}

const PDF_HEADERS = [
  'Content-Length',
  'Content-Disposition',
  'Accept-Ranges',
  'ETag',
  'Cache-Control',
] as const

function sendReport(
  request: FastifyRequest,
  reply: FastifyReply,
  { reportId, sizeBytes, fileName }: Report,
  reports: ReturnType<typeof reportStore>,
) {
  const etag = `"${reportId}"`
  reply.headers({ etag, 'cache-control': 'private, no-cache', 'accept-ranges': 'bytes' })
  if (namesTag(request.headers['if-none-match'], etag)) return reply.code(304).send()
  const { range: field, 'if-range': ifRange } = request.headers
  const range =
    ifRange === undefined || ifRange === etag ? byteRange(field as string | undefined, sizeBytes) : 'whole'
  if (range === 'unsatisfiable') {
    throw new ProblemError('range_not_satisfiable', `The report has ${sizeBytes} bytes.`, {
      headers: { 'content-range': `bytes */${sizeBytes}` },
    })
  }
  const { first, last } = range === 'whole' ? { first: 0, last: sizeBytes - 1 } : range
  if (range !== 'whole') reply.code(206).header('content-range', `bytes ${first}-${last}/${sizeBytes}`)
  reply.headers({
    'content-length': String(last - first + 1),
    'content-disposition': `attachment; filename="${fileName}"`,
  })
  reply.type(PDF)
  // A HEAD request gets no body, and must not fetch one.
  return reply.send(Readable.from(request.method === 'HEAD' ? [] : reports.read(reportId, first, last)))
}

/** The orders of an NDJSON body; empty lines are passed over. @throws {ProblemError} that names the lines at fault */
async function readLines(text: string, faultsOf: ReturnType<typeof compileCheck>): Promise<Order[]> {
  const orders: Order[] = []
  const errors: InputFault[] = []
  let line = 0
  let readInTurn = 0
  for (const source of linesOf(text)) {
    line += 1
    readInTurn += source.length
    if (readInTurn > CHARACTERS_A_TURN) {
      await nextTurn()
      readInTurn = 0
    }
    if (line > MOST_LINES)
      throw invalidInput([
        { line, detail: `is over the ${MOST_LINES} that a request may have, empty ones included` },
      ])
    if (source.trim() === '') continue
    if (orders.length === BULK_MAX_LINES)
      throw invalidInput([{ line, detail: `is over the ${BULK_MAX_LINES} lines that a request may have` }])
    const { order, faults } = readLine(source, faultsOf)
    errors.push(...faults.map((fault) => ({ line, ...fault })))
    if (errors.length >= MOST_INPUT_FAULTS) break
    orders.push(order as Order)
  }
  if (errors.length > 0) throw invalidInput(errors.slice(0, MOST_INPUT_FAULTS))
  if (orders.length === 0) throw invalidInput([{ pointer: '#', detail: 'has no order' }])
  return orders
}

/** One after the other: of line feeds alone there are millions in a body. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from <= text.length; ) {
    const end = text.indexOf('\n', from)
    yield text.slice(from, end === -1 ? undefined : end)
    if (end === -1) return
    from = end + 1
  }
}

function readLine(source: string, faultsOf: ReturnType<typeof compileCheck>) {
  let order: unknown
  try {
    order = parseJson(source, 'The line')
  } catch (error) {
    return { order, faults: [{ pointer: '#', detail: (error as Error).message }] }
  }
  return { order, faults: faultsOf(order).map(({ pointer, detail }) => ({ pointer: `#${pointer}`, detail })) }
}
