import { beforeAll, describe, expect, test } from 'vitest'
import { type Failure, checkExamples } from './check-examples.ts'
import { allExamples, examplesIn } from './extract.ts'
import { type PublicName, publicNames } from './public-api.ts'

/**
 * The documentation is true: each ```ts block in the doc comments of `src`, in README.md and in the pages of `docs`
 * type-checks and runs, and what it says about itself holds. How an example says it: `claims.ts`.
 */
const examples = allExamples()

describe('examples', () => {
  let failures: Failure[] = []
  beforeAll(() => {
    failures = checkExamples(examples)
  })

  test.each(examples)('$file:$line', example => {
    const end = example.line + example.code.split('\n').length
    const own = failures.filter(
      ({ file, line }) => file === example.file && line >= example.line && line <= end,
    )
    expect(own.map(at)).toEqual([])
  })

  test('nothing else is wrong with them', () => {
    const files = new Set(examples.map(({ file }) => file))
    expect(failures.filter(({ file, line }) => line === 0 || !files.has(file))).toEqual([])
  })
})

test('a wrong example fails, at its line', () => {
  const page = `
# A page

\`\`\`ts
import { string } from 'millrace'

string().name // → 'text'
\`\`\`

\`\`\`ts
import { tumbling } from 'millrace'

tumbling({ minutes: 5 }).sizeMs // → 300_000
tumbling({ minutes: 5 }) // throws INVALID_CONFIG
\`\`\`

\`\`\`ts
import { tumbling } from 'millrace'

tumbling({ minutes: 5 }).sizeInMs // → undefined
\`\`\`

\`\`\`ts
import { long } from 'millrace'

const bytes = long().serialize(1)
export const key = bytes.subarray(7)
\`\`\`

\`\`\`ts
import { TestDriver } from 'millrace/testing'

new TestDriver(() => {}).advance(-1)
true // → true
\`\`\`
`
  const wrong = checkExamples(examplesIn('docs/wrong.md', page)).map(at)
  expect(wrong).toEqual([
    expect.stringMatching(/^docs\/wrong\.md:24: the example claims nothing/),
    expect.stringMatching(/^docs\/wrong\.md:20: error TS2551: Property 'sizeInMs' does not exist/),
    expect.stringMatching(
      /^docs\/wrong\.md:7: AssertionError: Expected values to be strictly deep/,
    ),
    expect.stringMatching(/^docs\/wrong\.md:14: AssertionError: Missing expected rejection/),
    expect.stringMatching(/^docs\/wrong\.md:33: AssertionError: time does not go backwards/),
  ])
})

describe('everything public is documented', () => {
  const names = publicNames()

  const callable = names.filter(({ kind }) => kind !== 'type')

  test('each function, class and method of the doors has a doc comment', () => {
    const missing = callable.filter(({ documentation }) => documentation === '')
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  test('each function, class and method of the doors has an example', () => {
    const missing = callable.filter(name => !isShown(name, names))
    expect(missing.map(({ name }) => name)).toEqual([])
  })

  test('the compiler finds them', () => {
    const some = ['tumbling', 'KStream.leftJoin', 'TestDriver', 'RunningBroker.close']
    expect(callable.map(({ name }) => name)).toEqual(expect.arrayContaining(some))
  })
})

const at = ({ file, line, message }: Failure): string => `${file}:${line}: ${message}`

/** What the runtime calls and an application only hands on: the function that makes one has the example. */
const ports = ['LogClient', 'Platform']
/** Interfaces whose methods the example of another name shows. */
const shownBy = new Map([
  ['Logger', 'jsonLogger'],
  ['Cancellable', 'ProcessorContext'],
  ['FixedKeyProcessor', 'FixedKeyRecord'],
  ['FixedKeyProcessorContext', 'FixedKeyRecord'],
  ['KeyValueStore', 'keyValueStore'],
  ['ReadOnlyKeyValueStore', 'Application.store'],
  ['ReadOnlyWindowStore', 'Application.store'],
  ['QueryClient', 'queryClient'],
  ['SessionStore', 'sessionStore'],
  ['TestSessionStore', 'TestDriver.sessionStore'],
  ['TestVersionedStore', 'TestDriver.versionedStore'],
  ['VersionedKeyValueStore', 'versionedKeyValueStore'],
  ['TimestampedKeyValueStore', 'timestampedKeyValueStore'],
  ['TimestampedWindowStore', 'timestampedWindowStore'],
  ['WindowStore', 'windowStore'],
])

function isOfPort(name: string): boolean {
  return ports.some(port => name.startsWith(`${port}.`))
}

/** By an example of its own, or by a call in the example of its interface or of what makes one. */
function isShown({ name, examples }: PublicName, all: readonly PublicName[]): boolean {
  if (examples.some(example => example.includes('```ts')) || isOfPort(name)) return true
  const [owner = '', method] = name.split('.')
  if (method === undefined) return false
  const shown = new Set([owner, shownBy.get(owner)])
  return all
    .filter(other => shown.has(other.name))
    .some(other => other.examples.some(example => example.includes(`${method}(`)))
}
