// Receives callbacks. WEBHOOK_SECRET: the tenant's secret, whsec_…; HOST, PORT: where it listens.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

const { WEBHOOK_SECRET, HOST = '127.0.0.1', PORT = '4000' } = process.env
if (!WEBHOOK_SECRET)
  throw new Error('WEBHOOK_SECRET is not set: `npm run -s accepted -- secrets list` tells it')
const webhook = new Webhook(WEBHOOK_SECRET)
// A real receiver keeps the ids in its database, in one transaction with what it does about the messages.
const seen = new Set()

async function receive(request) {
  const body = await text(request)
  let message
  try {
    // What is signed is the body as it came: verify it first, use it then.
    message = webhook.verify(body, request.headers)
  } catch (error) {
    console.error(`refused: ${error.message}`)
    return 401
  }
  const id = request.headers['webhook-id']
  if (!seen.has(id)) console.log(message.type, message.data.task_id, message.data.resource ?? '')
  seen.add(id)
  return 204
}

const server = createServer(async (request, response) => {
  // Whatever is not 2xx makes the message come again later.
  const status = await receive(request).catch(() => 500)
  response.writeHead(status).end()
})
server.listen(Number(PORT), HOST, () => console.log(`listening on http://${HOST}:${server.address().port}/`))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0))
