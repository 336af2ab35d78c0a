import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  type AsyncCall,
  type CogroupedKStream,
  type GlobalKTable,
  type KeyValueStore,
  type KStream,
  type KTable,
  type Serde,
  type SessionWindowedKStream,
  type TimestampedKeyValueStore,
  type Windowed,
  calendar,
  json,
  keyValueStore,
  long,
  sessions,
  sliding,
  StreamsBuilder,
  string,
  tumbling,
  unlimited,
} from '../../src/index.ts'

/** What a lambda sees without an annotation. The checks happen when the types are checked; here they only run. */
const Flight = z.object({ origin: z.string(), delay: z.number(), date: z.string() })
const Airport = z.object({ city: z.string() })
type Flight = z.infer<typeof Flight>
type Airport = z.infer<typeof Airport>

const builder = new StreamsBuilder()
const flights = builder.stream('flights', { key: string(), value: json(Flight) })

test('serdes give the types of sources', () => {
  expectTypeOf(flights).toEqualTypeOf<KStream<string, Flight>>()
  expectTypeOf(json<{ n: number }>()).toEqualTypeOf<Serde<{ n: number }>>()
  expectTypeOf(json()).toEqualTypeOf<Serde<unknown>>()
  builder.stream('timed', {
    key: string(),
    value: json(Flight),
    timestamp: (flight, record, partitionTime) => {
      expectTypeOf(flight).toEqualTypeOf<Flight>()
      expectTypeOf(record.key).toEqualTypeOf<string>()
      expectTypeOf(partitionTime).toEqualTypeOf<number>()
      return record.timestamp
    },
  })
})

test('operators whose work takes time give what their promises come to', () => {
  const delays = flights.mapValuesAsync(async ({ delay }, key, call) => {
    expectTypeOf(key).toEqualTypeOf<string>()
    expectTypeOf(call).toEqualTypeOf<AsyncCall>()
    return delay
  })
  expectTypeOf(delays).toEqualTypeOf<KStream<string, number>>()
  const known = new Map<string, number>()
  const asked = async (origin: string): Promise<number> => origin.length
  const sometimes = flights.mapValuesAsync(({ origin }) => known.get(origin) ?? asked(origin))
  expectTypeOf(sometimes).toEqualTypeOf<KStream<string, number>>()
  const pairs = flights.mapAsync(async (key, { delay }) => [delay, key], { key: string() })
  expectTypeOf(pairs).toEqualTypeOf<KStream<number, string>>()
  expectTypeOf(flights.foreachAsync(async () => {})).toEqualTypeOf<void>()
  const processed = flights.processAsync<number, boolean, Airport>(context => ({
    process: async ({ value }) => ({ city: value.origin }),
    completed({ timestamp, headers }, { city }) {
      context.forward({ key: city.length, value: true, timestamp, headers })
      // @ts-expect-error The key is a number.
      context.forward({ key: city, value: true, timestamp, headers })
    },
  }))
  expectTypeOf(processed).toEqualTypeOf<KStream<number, boolean>>()
  // @ts-expect-error The serde of other keys.
  flights.mapValuesAsync(async () => 1, { key: long() })
  // @ts-expect-error There is no such order.
  const unordered = () => flights.mapValuesAsync(async () => 1, { order: 'none' })
  expect(unordered).toThrow("Give 'key' or 'partition'.")
})

test('stateless operators hand types on', () => {
  expectTypeOf(flights.filter((_, flight) => flight.delay > 0)).toEqualTypeOf<
    KStream<string, Flight>
  >()
  expectTypeOf(flights.mapValues(flight => flight.delay)).toEqualTypeOf<KStream<string, number>>()
  expectTypeOf(flights.map((key, flight) => [flight.delay, key])).toEqualTypeOf<
    KStream<number, string>
  >()
  expectTypeOf(flights.flatMap((key, { delay }) => [[delay, key] as const])).toEqualTypeOf<
    KStream<number, string>
  >()
  expectTypeOf(flights.flatMapValues(({ origin }) => origin.split(' '))).toEqualTypeOf<
    KStream<string, string>
  >()
  expectTypeOf(flights.selectKey((_, { delay }) => delay)).toEqualTypeOf<KStream<number, Flight>>()
})

test('a predicate that narrows the value narrows the stream', () => {
  const values = flights.mapValues(({ delay, origin }) => (delay > 0 ? origin : null))
  expectTypeOf(values.filter((_, origin) => origin !== null)).toEqualTypeOf<
    KStream<string, string>
  >()
})

test('joins see both values, and null where there may be no row', () => {
  const airports = builder.globalTable('airports', { key: string(), value: json(Airport) })
  expectTypeOf(airports).toEqualTypeOf<GlobalKTable<string, Airport>>()
  const joined = flights.join(
    airports,
    (_, flight) => flight.origin,
    (flight, airport, key) => {
      expectTypeOf(airport).toEqualTypeOf<Airport>()
      expectTypeOf(key).toEqualTypeOf<string>()
      return { city: airport.city, delay: flight.delay }
    },
  )
  expectTypeOf(joined).toEqualTypeOf<KStream<string, { city: string; delay: number }>>()

  const table = builder.table('table', { key: string(), value: long() })
  flights.leftJoin(table, (flight, row) => {
    expectTypeOf(flight).toEqualTypeOf<Flight>()
    expectTypeOf(row).toEqualTypeOf<number | null>()
  })
  expectTypeOf(flights.join(table, (_, row) => row)).toEqualTypeOf<KStream<string, number>>()
})

test('aggregations make tables', () => {
  const grouped = flights.groupBy((_, { delay }) => delay)
  expectTypeOf(grouped.count()).toEqualTypeOf<KTable<number, number>>()
  expectTypeOf(grouped.reduce(first => first)).toEqualTypeOf<KTable<number, Flight>>()
  const totals = grouped.windowedBy(tumbling({ days: 1 })).aggregate(
    () => ({ n: 0 }),
    (key, flight, total) => {
      expectTypeOf(key).toEqualTypeOf<number>()
      expectTypeOf(flight).toEqualTypeOf<Flight>()
      return { n: total.n + 1 }
    },
  )
  expectTypeOf(totals).toEqualTypeOf<KTable<Windowed<number>, { n: number }>>()
  expectTypeOf(totals.toStream()).toEqualTypeOf<KStream<Windowed<number>, { n: number }>>()
  expectTypeOf(totals.toStream().selectKey(({ key, window }) => key + window.start)).toEqualTypeOf<
    KStream<number, { n: number }>
  >()
})

test('what does not fit does not compile', () => {
  const strings = { key: string(), value: string() }
  const other = builder.stream('more', strings)
  const longs = builder.globalTable('longs', { key: long(), value: long() })
  const never = (): void => {
    // @ts-expect-error the value of a flight is no string
    flights.to('out', { value: string() })
    // @ts-expect-error a flight has no such field
    flights.filter((_, flight) => flight.speed > 0)
    const grouped = flights.groupByKey()
    const delayOf = (_: string, flight: Flight): number => flight.delay
    // @ts-expect-error the initializer and the aggregator speak of different aggregates
    grouped.aggregate(() => '', delayOf)
    // @ts-expect-error tumbling windows have no advance
    tumbling(10, { advance: 5 })
    // @ts-expect-error a source needs a serde for its values
    builder.stream('in', { key: string() })
    // @ts-expect-error the values of the streams differ
    flights.merge(other)
    const ownKey = (key: string): string => key
    // @ts-expect-error the selected key is not the key of the global table
    flights.join(longs, ownKey, flight => flight)
  }
  expectTypeOf(never).returns.toBeVoid()
})

test('a split gives its branches by their names', () => {
  const split = builder.stream('in', { key: string(), value: json<string | number>() }).split()
  const branches = split
    .branch((_, value) => typeof value === 'number', { name: 'numbers' })
    .branch((key, value) => key === value)
    .defaultBranch({ name: 'rest' })
  expectTypeOf(branches.numbers).toEqualTypeOf<KStream<string, number>>()
  expectTypeOf(branches[2]).toEqualTypeOf<KStream<string, string | number>>()
  expectTypeOf(branches.rest).toEqualTypeOf<KStream<string, string | number>>()
  expectTypeOf(branches).not.toHaveProperty('0')
})

test('a branch with a chain gives what its chain returns, or nothing', () => {
  const branches = builder
    .stream('in', { key: string(), value: json<string | number>() })
    .split()
    .branch((_, value) => typeof value === 'number', {
      name: 'halves',
      chain: numbers => numbers.mapValues(n => ({ half: n / 2 })),
    })
    .branch((_, value) => value === 'none', { name: 'gone', chain: gone => gone.foreach(() => {}) })
    .noDefaultBranch()
  expectTypeOf(branches.halves).toEqualTypeOf<KStream<string, { half: number }>>()
  expectTypeOf(branches).not.toHaveProperty('gone')
})

test('processors forward what the call says, or what the stream has', () => {
  const words = builder.stream('words', { key: string(), value: string() })
  const same = words.process(context => ({ process: record => context.forward(record) }))
  expectTypeOf(same).toEqualTypeOf<KStream<string, string>>()
  const counted = words.process<number, boolean>(context => ({
    process({ value, ...rest }) {
      expectTypeOf(value).toEqualTypeOf<string>()
      // @ts-expect-error the key is to be a number
      context.forward({ ...rest, key: value, value: true })
      // @ts-expect-error a stream of booleans has no tombstones
      context.forward({ ...rest, key: 1, value: null })
      context.forward({ ...rest, key: 1, value: true })
    },
  }))
  expectTypeOf(counted).toEqualTypeOf<KStream<number, boolean>>()
})

test('processors of values can change nothing but values, times and headers', () => {
  const words = builder.stream('words', { key: string(), value: string() })
  const lengths = words.processValues<number>(context => ({
    process(record) {
      context.forward(record.withValue(record.value.length))
      const { timestamp, headers } = record
      // @ts-expect-error a literal may have another key
      context.forward({ key: 'other', value: 1, timestamp, headers })
      // @ts-expect-error the value is to be a number
      context.forward(record)
      // @ts-expect-error no method changes the key
      void record.withKey
    },
  }))
  expectTypeOf(lengths).toEqualTypeOf<KStream<string, number>>()
})

test('a store is what its definition says', () => {
  const rows = keyValueStore('rows', { key: string(), value: long() })
  const words = builder.stream('words', { key: string(), value: string() })
  words.process(
    context => {
      const store = context.store(rows)
      expectTypeOf(store).toEqualTypeOf<KeyValueStore<string, number>>()
      expectTypeOf(store.get('a')).toEqualTypeOf<number | undefined>()
      const table = context.store<TimestampedKeyValueStore<string, string>>('table')
      expectTypeOf(table.get('a')?.timestamp).toEqualTypeOf<number | undefined>()
      return {
        process({ key, value }) {
          // @ts-expect-error the values are numbers
          store.put(key, value)
        },
      }
    },
    { stores: [rows, 'table'] },
  )
})

test('joins of tables know which side may lack', () => {
  const left = builder.table('left', { key: string(), value: long() })
  const right = builder.table('right', { key: string(), value: string() })
  const inner = left.join(right, (n, word) => {
    expectTypeOf(n).toEqualTypeOf<number>()
    expectTypeOf(word).toEqualTypeOf<string>()
    return { n, word }
  })
  expectTypeOf(inner).toEqualTypeOf<KTable<string, { n: number; word: string }>>()
  left.leftJoin(right, (n, word) => {
    expectTypeOf(n).toEqualTypeOf<number>()
    expectTypeOf(word).toEqualTypeOf<string | null>()
    return word
  })
  left.outerJoin(right, (n, word, key) => {
    expectTypeOf(n).toEqualTypeOf<number | null>()
    expectTypeOf(word).toEqualTypeOf<string | null>()
    expectTypeOf(key).toEqualTypeOf<string>()
    return n
  })
  const counts = left
    .groupBy((key, n) => [n, key], { key: long(), value: string() })
    .aggregate(
      () => '',
      (n, word, all) => {
        expectTypeOf(n).toEqualTypeOf<number>()
        expectTypeOf(word).toEqualTypeOf<string>()
        return all
      },
      (_, _word, all) => all,
    )
  expectTypeOf(counts).toEqualTypeOf<KTable<number, string>>()
})

test('windows of each kind have their own methods and keys', () => {
  const grouped = flights.groupByKey()
  const days = calendar('day', { timeZone: 'Europe/Berlin' })
  for (const windows of [tumbling(10), days, unlimited(), sliding(10)]) {
    expectTypeOf(grouped.windowedBy(windows).count()).toEqualTypeOf<
      KTable<Windowed<string>, number>
    >()
  }
  const visits = grouped.windowedBy(sessions(10))
  expectTypeOf(visits).toEqualTypeOf<SessionWindowedKStream<string, Flight>>()
  const lengths = visits.emitStrategy('onWindowClose').aggregate(
    () => 0,
    (_, flight, length) => {
      expectTypeOf(flight).toEqualTypeOf<Flight>()
      expectTypeOf(length).toEqualTypeOf<number>()
      return length + flight.delay
    },
    (_, one, two) => one + two,
  )
  expectTypeOf(lengths).toEqualTypeOf<KTable<Windowed<string>, number>>()
  const sum = (_: string, flight: Flight, length: number): number => length + flight.delay
  // @ts-expect-error an aggregation in sessions needs a merger
  expect(() => visits.aggregate(() => 0, sum)).not.toThrow()
  // @ts-expect-error only windows close
  expect(() => grouped.emitStrategy('onWindowClose')).toThrow(TypeError)
  // @ts-expect-error there are two strategies
  expect(() => grouped.windowedBy(tumbling(10)).emitStrategy('sometimes')).toThrow('does not exist')
})

test('streams of different values are cogrouped into one aggregate', () => {
  const airports = builder.stream('airports-by-key', { key: string(), value: json(Airport) })
  const cogrouped = flights
    .groupByKey()
    .cogroup((_, flight, all: string[]) => [...all, flight.origin])
    .cogroup(airports.groupByKey(), (key, airport, all) => {
      expectTypeOf(key).toEqualTypeOf<string>()
      expectTypeOf(airport).toEqualTypeOf<Airport>()
      expectTypeOf(all).toEqualTypeOf<string[]>()
      return [...all, airport.city]
    })
  expectTypeOf(cogrouped).toEqualTypeOf<CogroupedKStream<string, string[]>>()
  expectTypeOf(cogrouped.aggregate(() => [])).toEqualTypeOf<KTable<string, string[]>>()
  expectTypeOf(cogrouped.windowedBy(sliding(10)).aggregate(() => [])).toEqualTypeOf<
    KTable<Windowed<string>, string[]>
  >()
  expectTypeOf(
    cogrouped.windowedBy(sessions(10)).aggregate(
      () => [],
      (_, one, two) => [...one, ...two],
    ),
  ).toEqualTypeOf<KTable<Windowed<string>, string[]>>()
  // @ts-expect-error the aggregate is of another type
  cogrouped.aggregate(() => 0)
})
