import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const redisSetup = 'packages/local-redis/src/vitest-setup.ts'

export default defineConfig({
  test: {
    // The tests mostly wait, for Redis or for time: a worker a core, and never less than two.
    maxWorkers: Math.max(2, availableParallelism()),
    projects: [
      {
        test: {
          name: 'unit',
          include: ['{packages,apps}/*/src/**/*.test.ts', '{scripts,bench}/**/*.test.ts'],
          exclude: ['**/*.integration.test.ts', '**/node_modules/**'],
        },
      },
      {
        test: {
          name: 'integration',
          include: ['{packages,apps}/*/src/**/*.integration.test.ts', 'scripts/**/*.integration.test.ts'],
          globalSetup: redisSetup,
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['test/**/*.test.ts'],
          globalSetup: redisSetup,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
