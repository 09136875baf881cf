import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { startContainerRedis } from './container-redis.ts'
import { startLocalRedis } from './start-local-redis.ts'

/** A Redis for tests, empty at its start. */
export interface TestRedis {
  url: string
  stop(): Promise<void>
}

/**
 * Starts Redis for tests: in a container where a Docker engine answers, else a private one in a temporary folder. Says
 * in a line which.
 * @throws Error in words if there is neither.
 */
export async function startTestRedis(
  say: (words: string) => void,
  startContainer = mayHaveDocker(process.env) ? startContainerRedis : undefined,
): Promise<TestRedis> {
  if (startContainer) {
    try {
      const redis = await startContainer()
      say(`tests use Redis in a container, at ${redis.url}`)
      return redis
    } catch (error) {
      say(`tests cannot use a container (${(error as Error).message})`)
    }
  }
  const redis = await startLocalRedis({ say })
  say(`tests use a private Redis ${redis.version} on port ${redis.port}`)
  return redis
}

/** Whether it is worth asking: an engine is named in the environment, or has its socket in a usual place. */
function mayHaveDocker(env: NodeJS.ProcessEnv): boolean {
  if (env.DOCKER_HOST || env.TESTCONTAINERS_HOST_OVERRIDE) return true
  const home = homedir()
  return [
    '/var/run/docker.sock',
    join(home, '.testcontainers.properties'),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
    join(env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.()}`, 'docker.sock'),
  ].some((path) => existsSync(path))
}
