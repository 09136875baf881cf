import { setTimeout as delay } from 'node:timers/promises'

const image = 'redis:8-alpine'
const checkTimeoutMs = 3_000
/** Long enough to pull an image. */
const startTimeoutMs = 90_000

export interface ContainerRedis {
  url: string
  stop(): Promise<void>
}

/**
 * Starts Redis in a container. Loading testcontainers takes half a second: call it only where a Docker engine may be.
 * @throws Error if no engine answers within 3 s, or the image cannot be had and started within 90 s.
 */
export async function startContainerRedis(): Promise<ContainerRedis> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers')
  await within(checkTimeoutMs, getContainerRuntimeClient(), 'Docker does not answer')
  const starting = new GenericContainer(image)
    .withCommand(['redis-server', '--appendonly', 'yes', '--save', '', '--maxmemory-policy', 'noeviction'])
    .withExposedPorts(6379)
    .start()
  const container = await within(startTimeoutMs, starting, `${image} did not start`).catch((error) => {
    starting.then(
      (late) => late.stop(),
      () => {},
    )
    throw error
  })
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    stop: async () => {
      await container.stop()
    },
  }
}

async function within<T>(timeoutMs: number, promise: Promise<T>, fault: string): Promise<T> {
  const timer = new AbortController()
  try {
    const timeout = delay(timeoutMs, undefined, { signal: timer.signal }).then(() => {
      throw new Error(`${fault} within ${timeoutMs / 1000} s`)
    })
    return await Promise.race([promise, timeout])
  } finally {
    timer.abort()
  }
}
