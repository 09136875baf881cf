import { Line, Timestamp, Uuid7 } from '@accepted/contract'
import { type Static, Type } from 'typebox'
import type { ResourceSpace } from './resource-space.ts'

export const Reservation = Type.Object(
  {
    reservation_id: Uuid7('The reservation'),
    car_id: Uuid7('The car that it holds'),
    customer: Type.Union([Line({ maxLength: 200 }), Type.Null()], { description: 'Who will drive it' }),
    reserved_at: Timestamp('Since when it holds the car'),
  },
  { title: 'Reservation', description: 'A car that is held for somebody' },
)
export type Reservation = Static<typeof Reservation>

/** Holds a car for a reservation that was not ended, and tells who holds it then. */
const HOLD = `
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'GET') or ARGV[1]`

/** Ends a reservation for good, and frees the car if it is this one that holds it. */
const FREE = `
redis.call('SET', KEYS[2], '', 'EX', ARGV[2])
local held = redis.call('GET', KEYS[1])
if held and cjson.decode(held).reservation_id == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

/** How long it is remembered that a reservation has ended: longer than a process can stand still. */
const REMEMBERED_SECONDS = 7 * 24 * 60 * 60

/** The key under which a car's reservation is kept, as JSON; a car has one at most. */
export function reservationKey(carId: string): string {
  return `reservation:${carId}`
}

/** Who holds the cars of a tenant. */
export function reservationStore({ redis, key }: ResourceSpace) {
  const keysOf = (carId: string, id: string) =>
    [key(reservationKey(carId)), key(`reservation-ended:${id}`)] as const
  return {
    /**
     * Holds a car unless it is held; resolves to the reservation that holds it then. Null if this one was ended before: who
     * comes late, from a worker that stood still, changes nothing.
     */
    async hold(reservation: Reservation): Promise<Reservation | null> {
      const { car_id: carId, reservation_id: id } = reservation
      const holder = await redis.eval(HOLD, 2, ...keysOf(carId, id), JSON.stringify(reservation))
      return holder ? (JSON.parse(holder as string) as Reservation) : null
    },

    /** Ends a reservation. One that does not hold the car, or not any more, changes nothing. */
    async free(carId: string, reservationId: string): Promise<void> {
      await redis.eval(FREE, 2, ...keysOf(carId, reservationId), reservationId, REMEMBERED_SECONDS)
    },

    async get(carId: string, reservationId: string): Promise<Reservation | null> {
      const text = await redis.get(key(reservationKey(carId)))
      const reservation = text ? (JSON.parse(text) as Reservation) : null
      return reservation?.reservation_id === reservationId ? reservation : null
    },
  }
}
