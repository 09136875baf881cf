import { defineOperation } from '@accepted/contract'
import { Type } from 'typebox'
import { Car, carOrder } from '../resources/cars.ts'

export default defineOperation({
  name: 'car.build',
  route: 'POST /cars',
  summary: 'Build a car',
  description: 'Stamps, welds and paints a car. The finished task leads to it.',
  input: Type.Object(carOrder),
  output: Car,
  resource: (car) => `/cars/${car.car_id}`,
  collection: 'cars',
  steps: ['stamp', 'weld', 'paint'],
  settings: Type.Object({
    CAR_STEP_MS: Type.Integer({
      minimum: 0,
      maximum: 3_600_000,
      default: 1500,
      description: 'How long one step of the example factory takes, ms',
    }),
  }),
})
