import { defineConfig } from 'oxlint'

/**
 * The floors of the house, lowest first. A module imports only from floors below its own, and from its own room; rooms on
 * one floor do not know each other.
 */
const floors = [
  ['platform'],
  ['protocol'],
  ['windowing', 'serde'],
  ['client'],
  ['state', 'broker'],
  ['topology'],
  ['dsl'],
  ['runtime'],
  ['cli', 'testing'],
]

/** What only `platform/` may touch: everything else is given a `Platform`. */
const edgeModules = [
  'fs',
  'fs/promises',
  'net',
  'tls',
  'dgram',
  'http',
  'https',
  'dns',
  'child_process',
  'timers',
  'timers/promises',
  'perf_hooks',
  'worker_threads',
  'cluster',
]
const edgeMessage = 'Only src/platform reaches the outside world; take a Platform instead.'
const edgeImports = {
  group: edgeModules.flatMap(name => [name, `node:${name}`]),
  message: edgeMessage,
}
const edgeGlobals = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'performance',
  'fetch',
  'crypto',
].map(name => ({ name, message: edgeMessage }))
const edgeProperties = [
  { object: 'Date', property: 'now', message: edgeMessage },
  { object: 'Math', property: 'random', message: edgeMessage },
  { object: 'process', property: 'hrtime', message: edgeMessage },
]

const room = (name: string, own: number) => {
  const above = floors
    .slice(own)
    .flat()
    .filter(other => other !== name)
  const upward = {
    group: [
      ...above.flatMap(other => [`**/${other}/**`]),
      '../index.ts',
      '../../index.ts',
      'millrace',
      'millrace/*',
    ],
    message: `src/${name} stands on floor ${own}: it imports only from the floors below.`,
  }
  const edges = name !== 'platform'
  return {
    files: [`src/${name}/**`],
    rules: {
      'no-restricted-imports': ['error', { patterns: edges ? [upward, edgeImports] : [upward] }],
      ...(edges && {
        'no-restricted-globals': ['error', ...edgeGlobals],
        'no-restricted-properties': ['error', ...edgeProperties],
      }),
    },
  }
}

export default defineConfig({
  plugins: ['typescript', 'import', 'unicorn', 'promise', 'oxc'],
  options: { typeAware: true },
  categories: { correctness: 'error', suspicious: 'error' },
  ignorePatterns: ['dist', 'test/lint/fixtures'],
  rules: {
    'no-console': 'error',
    eqeqeq: ['error', 'always'],
    'no-var': 'error',
    'prefer-const': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/explicit-module-boundary-types': 'error',
    'import/no-default-export': 'error',
    'import/no-cycle': 'error',
    'no-shadow': 'off',
    'no-await-in-loop': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/consistent-function-scoping': 'off',
    // A generic that appears once is how a caller names the type of a store or a serde.
    'typescript/no-unnecessary-type-parameters': 'off',
  },
  overrides: [
    ...floors.flatMap((rooms, floor) => rooms.map(name => room(name, floor))),
    // A test asserts about what it has parsed in the next line.
    { files: ['test/**', 'bench/**'], rules: { 'typescript/no-unsafe-type-assertion': 'off' } },
    { files: ['examples/**', '*.config.ts'], rules: { 'import/no-default-export': 'off' } },
  ],
})
