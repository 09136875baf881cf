import { defineOperation, Line, Uuid7 } from '@accepted/contract'
import { Type } from 'typebox'
import { Reservation } from '../resources/reservations.ts'

export default defineOperation({
  name: 'car.reserve',
  route: 'POST /cars/{car_id}/reservations',
  summary: 'Reserve a car',
  description:
    'Holds a car until the reservation is confirmed or canceled; one that is not confirmed within 15 minutes frees the car again.',
  input: Type.Object({
    car_id: Uuid7('The car'),
    customer: Type.Optional(
      Line({ minLength: 1, maxLength: 200, description: 'Who will drive it', examples: ['Zoë'] }),
    ),
  }),
  output: Reservation,
  resource: ({ car_id, reservation_id }) => `/cars/${car_id}/reservations/${reservation_id}`,
  collection: 'reservations',
  steps: ['hold'],
  confirm: { withinSeconds: 15 * 60 },
})
