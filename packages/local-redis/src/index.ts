export { findClockLibrary } from './clock-library.ts'
export { type ProxyMode, type RedisProxy, startRedisProxy } from './redis-proxy.ts'
export {
  DataDirInUseError,
  type LocalRedis,
  type LocalRedisOptions,
  startLocalRedis,
} from './start-local-redis.ts'
export { startTestRedis, type TestRedis } from './test-redis.ts'
export { type Ending, spawnTethered } from './tethered-process.ts'
