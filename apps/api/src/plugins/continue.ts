import plugin from 'fastify-plugin'

/**
 * `Expect: 100-continue` (RFC 9110 §10.1.1): the body is asked for once it is to be read, so that who is refused before that need not
 * send it. Such an answer closes the connection, as Node does by itself: nobody can tell whether a body still comes.
 */
export const continuation = plugin(
  async (app) => {
    app.server.on('checkContinue', (request, response) => app.server.emit('request', request, response))
    app.addHook('preParsing', (request, reply, _payload, next) => {
      if (request.headers.expect?.toLowerCase() === '100-continue') reply.raw.writeContinue()
      next()
    })
  },
  { name: 'continue' },
)
