import { defineOperation, Uuid7 } from '@accepted/contract'
import { Type } from 'typebox'
import { Car } from '../resources/cars.ts'

export default defineOperation({
  name: 'car.read',
  route: 'GET /cars/{car_id}',
  summary: 'Read a car',
  description: 'Answers at once; with `Prefer: respond-async` as a task whose result is the car.',
  input: Type.Object({ car_id: Uuid7('The car') }),
  output: Car,
  immediate: true,
})
