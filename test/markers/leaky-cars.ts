import { loadHandlers, PermanentError } from '@accepted/operations'

/**
 * Loaded before a worker: cars of the brand `Leaky` fail. If they are to be `refused`, with their color as a message for callers; else
 * with an error of the kind that libraries throw, with `LEAKY_MESSAGE`, on which `LEAKY_MEMBERS` hangs.
 */
const build = (await loadHandlers()).get('car.build')!
const usual = build.handle

async function leaky(context: { input: { brand: string; make: string; color: string } }): Promise<unknown> {
  const { brand, make, color } = context.input
  if (brand !== 'Leaky') return usual(context as never)
  if (make === 'refused') throw new PermanentError(color)
  const { LEAKY_MESSAGE: message, LEAKY_MEMBERS: secret } = process.env
  const request = { headers: { authorization: secret }, body: secret }
  const cause = Object.assign(new Error('the press refused'), {
    command: { args: [secret] },
    config: request,
  })
  throw Object.assign(new Error(message, { cause }), { request, response: { data: secret } })
}
build.handle = leaky as typeof usual
