import { availableParallelism } from 'node:os'
import process from 'node:process'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source', 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    reporters: process.env['CI']
      ? ['default', ['json', { outputFile: '.ci/result.json' }]]
      : ['default'],
    // Half of a run waits for processes and disks: two files at once also on two cores, where the default is one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Real kills and real clients are slow to start; no assertion depends on these limits.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
