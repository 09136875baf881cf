import { Timestamp, Uuid7 } from '@accepted/contract'
import { type Static, Type } from 'typebox'
import type { ResourceSpace } from './resource-space.ts'

export const Reservation = Type.Object(
  {
    reservation_id: Uuid7('The reservation'),
    car_id: Uuid7('The car that it holds'),
    customer: Type.Union([Type.String(), Type.Null()], { description: 'Who will drive it' }),
    reserved_at: Timestamp('Since when it holds the car'),
  },
  { title: 'Reservation', description: 'A car that is held for somebody' },
)
export type Reservation = Static<typeof Reservation>

/** Frees a car if it is this reservation that holds it. */
const FREE = `
local held = redis.call('GET', KEYS[1])
if held and cjson.decode(held).reservation_id == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`

/** The key under which a car's reservation is kept, as JSON; a car has one at most. */
export function reservationKey(carId: string): string {
  return `reservation:${carId}`
}

/** Who holds the cars of a tenant. */
export function reservationStore({ redis, key }: ResourceSpace) {
  return {
    /** Holds a car unless it is held; resolves to the reservation that holds it then. */
    async hold(reservation: Reservation): Promise<Reservation> {
      const text = JSON.stringify(reservation)
      const holder = await redis.set(key(reservationKey(reservation.car_id)), text, 'NX', 'GET')
      return holder ? (JSON.parse(holder) as Reservation) : reservation
    },

    /** Ends a reservation. One that does not hold the car, or not any more, changes nothing. */
    async free(carId: string, reservationId: string): Promise<void> {
      await redis.eval(FREE, 1, key(reservationKey(carId)), reservationId)
    },

    async get(carId: string, reservationId: string): Promise<Reservation | null> {
      const text = await redis.get(key(reservationKey(carId)))
      const reservation = text ? (JSON.parse(text) as Reservation) : null
      return reservation?.reservation_id === reservationId ? reservation : null
    },
  }
}
