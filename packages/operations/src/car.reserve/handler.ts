import { handle, PermanentError } from '../handler.ts'
import { carStore } from '../resources/cars.ts'
import { reservationStore } from '../resources/reservations.ts'
import contract from './contract.ts'

export default handle(contract, async ({ input, taskId, resources, step }) => {
  const reservations = reservationStore(resources)
  return step(
    'hold',
    async () => {
      if (!(await carStore(resources).get(input.car_id))) {
        throw new PermanentError('There is no such car.', { code: 'no_such_car' })
      }
      // The task's own id: a second run of this step finds the car held by itself.
      const reservation = {
        reservation_id: taskId,
        car_id: input.car_id,
        customer: input.customer ?? null,
        reserved_at: new Date().toISOString(),
      }
      const holder = await reservations.hold(reservation)
      if (holder?.reservation_id !== taskId) {
        throw new PermanentError('The car is reserved already.', { code: 'car_already_reserved' })
      }
      return holder
    },
    { undo: () => reservations.free(input.car_id, taskId) },
  )
})
