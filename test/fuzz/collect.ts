import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

// Loaded into an app before all else: lets its parent have the garbage collected, so that what is left is what is held.
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
process.on('message', ({ kind }: { kind: string }) => {
  if (kind === 'collect') collect()
})
