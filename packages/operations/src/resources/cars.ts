import { Timestamp, Uuid7 } from '@accepted/contract'
import { type Static, Type } from 'typebox'
import type { ResourceSpace } from './resource-space.ts'

/** What a customer orders. */
export const carOrder = {
  brand: Type.String({ minLength: 1, maxLength: 100, examples: ['Ford'] }),
  make: Type.String({ minLength: 1, maxLength: 100, examples: ['Mustang'] }),
  model: Type.Integer({ minimum: 1886, maximum: 2100, description: 'Model year', examples: [2014] }),
  color: Type.String({ minLength: 1, maxLength: 50, examples: ['Blue'] }),
}

export const Car = Type.Object(
  {
    car_id: Uuid7('The car'),
    ...carOrder,
    built_at: Timestamp('When it was finished'),
    reserved_by: Type.Union([Type.String(), Type.Null()], { description: 'Who holds it' }),
  },
  { title: 'Car', description: 'A car that a task built' },
)
export type Car = Static<typeof Car>

/** The cars of a tenant: `cars` is a zset of ids by the time they were built, `car:ID` the car as JSON. */
export function carStore({ redis, key }: ResourceSpace) {
  return {
    /** Adds or replaces a car. */
    async put(car: Car): Promise<void> {
      const results = await redis
        .multi()
        .set(key(`car:${car.car_id}`), JSON.stringify(car))
        .zadd(key('cars'), Date.parse(car.built_at), car.car_id)
        .exec()
      for (const [error] of results ?? []) if (error) throw error
    },

    async get(carId: string): Promise<Car | null> {
      const text = await redis.get(key(`car:${carId}`))
      return text ? (JSON.parse(text) as Car) : null
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
      const texts = shown.length > 0 ? await redis.mget(shown.map((id) => key(`car:${id}`))) : []
      return {
        cars: texts.filter((text) => text !== null).map((text) => JSON.parse(text) as Car),
        next: ids.length > limit ? shown.at(-1)! : null,
      }
    },
  }
}
