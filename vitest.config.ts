import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source', 'node', 'import', 'default'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // Real kills and real clients are slow to start; no assertion depends on these limits.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
