export { findClockLibrary } from './clock-library.ts'
export {
  DataDirInUseError,
  type LocalRedis,
  type LocalRedisOptions,
  startLocalRedis,
} from './start-local-redis.ts'
export { startTestRedis, type TestRedis } from './test-redis.ts'
export { type Ending, spawnTethered } from './tethered-process.ts'
