import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

import { defineApp, json, long, string, tumbling } from '../../../src/index.ts'
import { inputRecords, laws } from '../../../src/testing/properties/index.ts'

const strings = { key: string(), value: string() }
const words = {
  ...strings,
  keys: ['a', 'b', 'c', 'd'],
  values: fc.constantFrom('x', 'y', 'z'),
}
const perSecond = tumbling({ seconds: 1 }, { grace: { minutes: 1 } })

/** Everything that depends on records alone. */
const sound = defineApp('sound', builder => {
  const stream = builder.stream('words', strings)
  stream.groupByKey().windowedBy(perSecond).count({ store: 'per-key' }).toStream().to('out')
  stream
    .groupBy((_, value) => value, strings)
    .windowedBy(perSecond)
    .count({ store: 'per-value' })
    .toStream()
    .to('counts', { value: long() })
  stream
    .groupByKey()
    .reduce((one, other) => (one > other ? one : other), { store: 'largest' })
    .toStream()
    .to('largest')
})
const inputs = inputRecords({ topics: { words }, stepMs: 400, outOfOrderMs: 4000 })

describe('an app whose results depend on its records alone obeys', () => {
  test('sameUnderInterleaving', () => laws.sameUnderInterleaving(sound, inputs))
  test('sameUnderBatching', () => laws.sameUnderBatching(sound, inputs))
  test('sameUnderRestarts', () => laws.sameUnderRestarts(sound, inputs))
  test('sameUnderCaching', () => laws.sameUnderCaching(sound, inputs))
  test('lateRecordsChangeNothing', async () => {
    const late = inputRecords({ topics: { words }, stepMs: 1000, lateMs: 200_000, jumpMs: 200_000 })
    await laws.lateRecordsChangeNothing(sound, late, { closedAfterMs: 60_000 })
  })
})

test('what a join by a foreign key keeps on the way to its results is no result', async () => {
  const orders = {
    ...strings,
    keys: ['a', 'b'],
    values: fc.constantFrom('x', 'y'),
    tombstones: true,
  }
  const app = defineApp('orders', builder => {
    const prices = builder.table('products', strings)
    builder
      .table('orders', { ...strings, store: 'orders' })
      .join(
        prices,
        product => product,
        (order, price) => `${order} for ${price}`,
        {
          name: 'prices',
          store: 'prices',
          ...strings,
        },
      )
      .toStream()
      .to('prices')
  })
  const products = { ...strings, keys: ['x', 'y'], values: fc.constantFrom('1', '2') }
  await laws.sameUnderCaching(app, inputRecords({ topics: { orders, products } }), { numRuns: 60 })
})

/** The message of a law that does not hold, and the number of records in it. */
async function broken(law: Promise<void>): Promise<{ message: string; records: number }> {
  let error: unknown
  try {
    await law
  } catch (caught) {
    error = caught
  }
  expect(error).toMatchObject({ code: 'LAW_BROKEN' })
  const { message } = error as Error
  return { message, records: Number(/(\d+) records? show/.exec(message)?.[1]) }
}

/** Wrong in one way each, and the law that finds it. */
const wrong = {
  'the order of keys in another key': [
    'sameUnderInterleaving',
    defineApp('concatenated', builder => {
      builder
        .stream('words', strings)
        .groupBy(() => 'all', strings)
        .reduce((all, word) => all + word, { store: 'all' })
    }),
  ],
  'a merge that is not associative': [
    'sameUnderInterleaving',
    defineApp('averaged', builder => {
      const numbers = { key: string(), value: json<number>() }
      builder
        .stream('words', strings)
        .map((key, word) => [word, key.codePointAt(0) ?? 0])
        .groupByKey(numbers)
        .reduce((average, number) => (average + number) / 2, { store: 'averages' })
    }),
  ],
  'a grace that is too short': [
    'sameUnderInterleaving',
    defineApp('impatient', builder => {
      builder
        .stream('words', strings)
        .groupBy((_, value) => value, strings)
        .windowedBy(tumbling({ seconds: 1 }, { grace: { seconds: 0 } }))
        .count({ store: 'counts' })
        .toStream()
        .to('counts', { value: long() })
    }),
  ],
  'the time of processing': [
    'sameUnderBatching',
    defineApp('hurried', builder => {
      builder
        .stream('words', strings)
        .groupBy(key => `${key} in minute ${Math.floor(Date.now() / 60_000)}`, strings)
        .count({ store: 'counts' })
    }),
  ],
  'a count of updates': [
    'sameUnderCaching',
    defineApp('updates', builder => {
      const counts = builder.stream('words', strings).groupByKey().count()
      counts.toStream().groupByKey({ value: long() }).count({ store: 'updates' })
    }),
  ],
  'state outside of a store': [
    'sameUnderRestarts',
    defineApp('forgetful', builder => {
      let seen = 0
      builder
        .stream('words', strings)
        .mapValues(() => (seen = (seen + 1) % 5))
        .to('out', { value: json<number>() })
    }),
  ],
} as const

describe('a wrong app is caught, and shown by at most five records', () => {
  test.each(Object.entries(wrong))('%s', async (_, [law, app]) => {
    const { records } = await broken(laws[law](app, inputs))
    expect(records).toBeLessThanOrEqual(5)
  })

  test('windows that stay open longer than they should', async () => {
    const late = inputRecords({ topics: { words }, stepMs: 1000, lateMs: 200_000, jumpMs: 200_000 })
    const law = laws.lateRecordsChangeNothing(sound, late, { closedAfterMs: 1000, seed: 1 })
    expect((await broken(law)).records).toBeLessThanOrEqual(5)
  })
})

test('the message has the records, the difference and the command that plays the case again', async () => {
  const [law, app] = wrong['the time of processing']
  const { message } = await broken(laws[law](app, inputs, { seed: 1 }))
  expect(message).toMatchInlineSnapshot(`
    "hurried breaks the law that results are the same however the work is cut into batches and commits. 1 record shows it (made simpler 10 times):

    ┌───┬─────┬───────┬──────┬──────┐
    │ # │ key │ value │ time │ then │
    ├───┼─────┼───────┼──────┼──────┤
    │ 1 │ 'a' │ 'x'   │ 0    │ wait │
    └───┴─────┴───────┴──────┴──────┘

    ┌──────────────┬─────────────────┬──────────┬─────────┐
    │ where        │ key             │ expected │ actual  │
    ├──────────────┼─────────────────┼──────────┼─────────┤
    │ store counts │ 'a in minute 0' │ 1 at 0   │ nothing │
    │ store counts │ 'a in minute 1' │ nothing  │ 1 at 0  │
    └──────────────┴─────────────────┴──────────┴─────────┘

    To run this case again: MILLRACE_REPLAY='sameUnderBatching:1:0:1:1:1:3:3:3:3:3:3:3' npx vitest run test/testing/properties/laws.test.ts"
  `)
  const [, replay = '', file] = /MILLRACE_REPLAY='(.*)' npx vitest run (.*)/.exec(message) ?? []
  expect(file).toBe('test/testing/properties/laws.test.ts')
  vi.stubEnv('MILLRACE_REPLAY', replay)
  try {
    const again = await broken(laws[law](app, inputs))
    expect(again.message).toBe(message.replace(/made simpler \d+ times/, 'made simpler 0 times'))
    await laws.sameUnderRestarts(app, inputs)
  } finally {
    vi.unstubAllEnvs()
  }
})
