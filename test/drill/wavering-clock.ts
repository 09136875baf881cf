/** Loaded before an app: its host's clock, as `Date` tells it, is so far off as it is told over the channel. Timers go on. */
const RightDate = Date
let offMs = 0

class WaveringDate extends RightDate {
  constructor(...args: [] | ConstructorParameters<typeof Date>) {
    if (args.length === 0) super(WaveringDate.now())
    else super(...(args as ConstructorParameters<typeof Date>))
  }

  static override now(): number {
    return RightDate.now() + offMs
  }
}

globalThis.Date = WaveringDate as DateConstructor
process.on('message', (message) => {
  const told = message as { clockOffMs?: number }
  if (typeof told.clockOffMs === 'number') offMs = told.clockOffMs
})
