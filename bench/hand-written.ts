import { Queue } from 'bullmq'
import { fastify } from 'fastify'
import { Redis } from 'ioredis'

/**
 * What teams write by hand, as the measure of our own: a Fastify route that validates and adds a BullMQ job, and one
 * that asks BullMQ for the job and its state. Run as a process of its own; tells its URL over IPC.
 */
const connection = new Redis(process.env.REDIS_URL as string, { maxRetriesPerRequest: null })
const queue = new Queue('hand-written', { connection })
const app = fastify()

const body = {
  type: 'object',
  additionalProperties: false,
  required: ['brand', 'make', 'model', 'color'],
  properties: {
    brand: { type: 'string', minLength: 1, maxLength: 100 },
    make: { type: 'string', minLength: 1, maxLength: 100 },
    model: { type: 'integer', minimum: 1886, maximum: 2100 },
    color: { type: 'string', minLength: 1, maxLength: 50 },
  },
}

app.post('/cars', { schema: { body } }, async (request, reply) => {
  const job = await queue.add('build', request.body)
  return reply.code(202).header('location', `/tasks/${job.id}`).send({ task_id: job.id, status: 'pending' })
})

app.get('/tasks/:id', async (request, reply) => {
  const job = await queue.getJob((request.params as { id: string }).id)
  if (!job) return reply.code(404).send({ error: 'unknown' })
  const status = await job.getState()
  return { task_id: job.id, status, request: job.data, result: job.returnvalue, progress: job.progress }
})

process.send?.({ kind: 'listening', url: await app.listen({ port: 0 }) })
process.on('disconnect', () => process.exit(0))
