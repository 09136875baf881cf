import { Line, Timestamp, Uuid7 } from '@accepted/contract'
import { type Static, Type } from 'typebox'
import { type Reservation, reservationKey } from './reservations.ts'
import type { ResourceSpace } from './resource-space.ts'

/** What a customer orders. */
export const carOrder = {
  brand: Line({ minLength: 1, maxLength: 100, examples: ['Ford'] }),
  make: Line({ minLength: 1, maxLength: 100, examples: ['Mustang'] }),
  model: Type.Integer({ minimum: 1886, maximum: 2100, description: 'Model year', examples: [2014] }),
  color: Line({ minLength: 1, maxLength: 50, examples: ['Blue'] }),
}

export const Car = Type.Object(
  {
    car_id: Uuid7('The car'),
    ...carOrder,
    built_at: Timestamp('When it was finished'),
    reserved_by: Type.Union([Line({ maxLength: 200 }), Type.Null()], {
      description: 'The customer for whom it is held; the id of the reservation if that names none',
    }),
  },
  { title: 'Car', description: 'A car that a task built' },
)
export type Car = Static<typeof Car>

/** How long it is remembered that something was taken away: longer than a process can stand still. */
const REMEMBERED_SECONDS = 7 * 24 * 60 * 60

const PUT = `
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('SET', KEYS[1], ARGV[1])
return redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])`

/** The cars of a tenant: `cars` is a zset of ids by the time they were built, `car:ID` the car as JSON. */
export function carStore({ redis, key }: ResourceSpace) {
  /** Those of these cars that are there, each with who holds it. */
  async function read(ids: string[]): Promise<Car[]> {
    if (ids.length === 0) return []
    const [cars, holders] = await Promise.all([
      redis.mget(ids.map((id) => key(`car:${id}`))),
      redis.mget(ids.map((id) => key(reservationKey(id)))),
    ])
    return cars.flatMap((text, at) => (text ? [held(JSON.parse(text) as Car, holders[at]!)] : []))
  }

  return {
    /** Adds or replaces a car. One that was taken away stays so: who comes late, from a worker that stood still, changes nothing. */
    async put(car: Car): Promise<void> {
      const keys = [key(`car:${car.car_id}`), key('cars'), key(`car-removed:${car.car_id}`)]
      await redis.eval(PUT, keys.length, ...keys, JSON.stringify(car), Date.parse(car.built_at), car.car_id)
    },

    /** Takes a car away; one that is not there is no fault. */
    async remove(carId: string): Promise<void> {
      const results = await redis
        .multi()
        .set(key(`car-removed:${carId}`), '', 'EX', REMEMBERED_SECONDS)
        .del(key(`car:${carId}`), key(reservationKey(carId)))
        .zrem(key('cars'), carId)
        .exec()
      for (const [error] of results ?? []) if (error) throw error
    },

    async get(carId: string): Promise<Car | null> {
      const [car] = await read([carId])
      return car ?? null
    },

    /**
     * A page of at most `limit` cars, newest first, after the car with the id `after`.
     * `next` is the id to go on after, null on the last page. Null if there is no car with that id.
     */
    async list(limit: number, after?: string): Promise<{ cars: Car[]; next: string | null } | null> {
      const rank = after === undefined ? -1 : await redis.zrevrank(key('cars'), after)
      if (rank === null) return null
      const ids = await redis.zrevrange(key('cars'), rank + 1, rank + 1 + limit)
      const shown = ids.slice(0, limit)
      return {
        cars: await read(shown),
        next: ids.length > limit ? shown.at(-1)! : null,
      }
    },
  }
}

function held(car: Car, holder: string | null): Car {
  if (!holder) return car
  const { customer, reservation_id } = JSON.parse(holder) as Reservation
  return { ...car, reserved_by: customer ?? reservation_id }
}
