import { PAGE_MAX_ITEMS, Uuid7 } from '@accepted/contract'
import { guarded, isId } from '@accepted/core'
import { Car, type carStore, Reservation, type reservationStore } from '@accepted/operations'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Immediate } from '../operation-route.ts'
import { notACursor, pageQuery } from '../paging.ts'
import { ProblemError } from '../problem.ts'
import type { RequestQuota } from '../quotas/request-quota.ts'
import { problemResponses, response } from '../responses.ts'

/** The cars of a request's tenant. */
export type CarsOf = (request: FastifyRequest) => ReturnType<typeof carStore>

/** The reservations of a request's tenant. */
export type ReservationsOf = (request: FastifyRequest) => ReturnType<typeof reservationStore>

/** How `GET /cars/{car_id}` answers at once. */
export function readCar(carsOf: CarsOf): Immediate {
  return {
    responses: {
      200: response('The car', Car, ['Vary', 'Cache-Control']),
    },
    async answer(request: FastifyRequest, reply: FastifyReply) {
      const { car_id: carId } = request.params as { car_id: string }
      const car = await guarded(() => carsOf(request).get(carId))
      if (!car) throw new ProblemError('not_found', 'There is no such car.')
      return reply.headers({ vary: 'Prefer', 'cache-control': 'private, no-cache' }).send(car)
    },
  }
}

/** `GET /cars`: newest first, by pages. `GET /cars/{id}/reservations/{id}`. */
export function carRoutes(
  app: FastifyInstance,
  carsOf: CarsOf,
  reservationsOf: ReservationsOf,
  quota: RequestQuota | undefined,
): void {
  app.get(
    '/cars',
    {
      config: { access: ['tasks:read'], load: 'lists' },
      schema: {
        operationId: 'car.list',
        summary: 'List cars',
        description: 'Newest first; the next page stands in `Link`, if there is one.',
        tags: ['cars'],
        querystring: Type.Object(pageQuery('Most cars on a page'), { additionalProperties: false }),
        response: {
          200: response('A page of cars', Type.Array(Car, { maxItems: PAGE_MAX_ITEMS }), [
            'Link?',
            'Cache-Control',
          ]),
          ...problemResponses('invalid_input', 'store_unavailable'),
        },
      },
    },
    async (request, reply) => {
      const { limit, cursor } = request.query as { limit: number; cursor?: string }
      if (cursor !== undefined && !isId(cursor)) throw notACursor()
      const page = await guarded(() => carsOf(request).list(limit, cursor))
      if (!page) throw notACursor()
      await quota?.countEntries(request.tenant, page.cars.length, reply)
      if (page.next) reply.header('link', `</cars?limit=${limit}&cursor=${page.next}>; rel="next"`)
      return reply.header('cache-control', 'private, no-cache').send(page.cars)
    },
  )

  app.get(
    '/cars/:car_id/reservations/:reservation_id',
    {
      config: { access: ['tasks:read'] },
      schema: {
        operationId: 'reservation.read',
        summary: 'Read a reservation',
        description: 'It is gone once it was canceled or not confirmed in time.',
        tags: ['reservations'],
        params: Type.Object({ car_id: Uuid7('The car'), reservation_id: Uuid7('The reservation') }),
        response: {
          200: response('The reservation', Reservation, ['Cache-Control']),
          ...problemResponses('not_found', 'store_unavailable'),
        },
      },
    },
    async (request, reply) => {
      const { car_id: carId, reservation_id: id } = request.params as {
        car_id: string
        reservation_id: string
      }
      const reservation = await guarded(() => reservationsOf(request).get(carId, id))
      if (!reservation) throw new ProblemError('not_found', 'There is no such reservation.')
      return reply.header('cache-control', 'private, no-cache').send(reservation)
    },
  )
}
