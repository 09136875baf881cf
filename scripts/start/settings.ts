import { join, resolve } from 'node:path'
import { isLoopbackHost } from '@accepted/core'

/** What `npm start` itself reads from the environment; the apps read the rest. An empty variable counts as not set, unless said otherwise. */
export interface StartSettings {
  /** A Redis that runs already; undefined: start a private one. */
  redisUrl: string | undefined
  /** Where the private Redis keeps its data, and the key of the secrets is; absolute. */
  dataDir: string
  /** What both apps get. */
  appEnvironment: NodeJS.ProcessEnv
}

/** Seconds that the apps give running work at a stop, unless told otherwise: Ctrl-C is not to take long. */
const graceSeconds = '2'

/** Where callbacks may go unless told otherwise: receivers that are tried out on the same machine. */
const loopback = '127.0.0.0/8,::1/128'

export function readStartSettings(env: NodeJS.ProcessEnv, projectRoot: string): StartSettings {
  const callerFolder = env.INIT_CWD || process.cwd()
  const dataDir = env.DATA_DIR ? resolve(callerFolder, env.DATA_DIR) : join(projectRoot, '.data')
  const { SECRETS_KEY_FILE: keyFile } = env
  const isOpen = isLoopbackHost(env.HOST || '127.0.0.1') && !env.OIDC_ISSUER
  return {
    redisUrl: env.REDIS_URL || undefined,
    dataDir,
    appEnvironment: {
      ...env,
      SHUTDOWN_GRACE_SECONDS: env.SHUTDOWN_GRACE_SECONDS || graceSeconds,
      // An empty one opens nothing.
      CALLBACK_ALLOW_CIDRS: env.CALLBACK_ALLOW_CIDRS ?? loopback,
      AUTH: env.AUTH || (isOpen ? 'none' : 'keys'),
      // The first app that comes makes it.
      SECRETS_KEY_FILE: keyFile ? resolve(callerFolder, keyFile) : join(dataDir, 'secrets.key'),
    },
  }
}
