import { handle, PermanentError } from '../handler.ts'
import { carStore } from '../resources/cars.ts'
import contract from './contract.ts'

export default handle(contract, async ({ input, resources }) => {
  const car = await carStore(resources).get(input.car_id)
  if (!car) throw new PermanentError(`there is no car ${input.car_id}`, { code: 'not_found' })
  return car
})
