import { setTimeout as pause } from 'node:timers/promises'
import { v7 as uuid7 } from 'uuid'
import { handle } from '../handler.ts'
import { type Car, carStore } from '../resources/cars.ts'
import contract from './contract.ts'

export default handle(contract, async ({ input, settings, signal, resources, step }) => {
  const work = (until: AbortSignal) => pause(settings.CAR_STEP_MS, undefined, { signal: until })
  // Taking apart is as much work as putting together.
  const undo = (_outcome: unknown, until: AbortSignal) => work(until)

  // The id is the outcome of a step, so that a later attempt builds the same car.
  const carId = await step(
    'stamp',
    async () => {
      await work(signal)
      return uuid7()
    },
    { undo },
  )
  await step('weld', () => work(signal), { undo })
  return step(
    'paint',
    async () => {
      await work(signal)
      const { brand, make, model, color } = input
      const car: Car = {
        car_id: carId,
        brand,
        make,
        model,
        color,
        built_at: new Date().toISOString(),
        reserved_by: null,
      }
      await carStore(resources).put(car)
      return car
    },
    {
      undo: async (_outcome, until) => {
        await carStore(resources).remove(carId)
        await work(until)
      },
    },
  )
})
