import { startLocalRedis } from '../start-local-redis.ts'

// own-a-redis.ts [FOLDER] : starts a Redis, prints where, and stays until killed.
const [dataDir] = process.argv.slice(2)
const { pid, url } = await startLocalRedis(dataDir ? { dataDir } : {})
process.stdout.write(`${JSON.stringify({ pid, url })}\n`)
