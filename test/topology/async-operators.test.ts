import { describe, expect, test } from 'vitest'

import {
  type AsyncCall,
  type AsyncProcessorSupplier,
  type Headers,
  type KStream,
  describe as describeTopology,
  json,
  keyValueStore,
  logAndContinue,
  MillraceError,
  StreamsBuilder,
  string,
} from '../../src/index.ts'
import { TestDriver, type TestDriverOptions } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }

/** A driver for what is made of the topic `in`. */
function driverOf(
  define: (stream: KStream<string, string>) => void,
  options: TestDriverOptions = {},
): TestDriver {
  return new TestDriver(builder => define(builder.stream('in', text)), options)
}

/** Who calls says when each value is answered. */
class Answers {
  readonly asked: string[] = []
  readonly calls: AsyncCall[] = []
  readonly #waiting = new Map<string, PromiseWithResolvers<string>>()

  readonly ask = (value: string, _key: string, call: AsyncCall): Promise<string> => {
    this.asked.push(value)
    this.calls.push(call)
    const answer = Promise.withResolvers<string>()
    this.#waiting.set(value, answer)
    return answer.promise
  }

  answer(value: string): void {
    this.#waiting.get(value)?.resolve(`${value}!`)
  }

  fail(value: string, error: unknown): void {
    this.#waiting.get(value)?.reject(error)
  }
}

/** Lets promises have their callbacks, and the driver go on with what has come. */
async function goOn(driver: TestDriver, ms = 0): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  driver.advance(ms)
}

const valuesOf = (driver: TestDriver): string[] =>
  driver
    .outputTopic('out', text)
    .readAll()
    .map(({ value }) => String(value))

describe('order', () => {
  test('by key: calls of a key come one after another, keys overtake each other', async () => {
    const answers = new Answers()
    const driver = driverOf(stream => stream.mapValuesAsync(answers.ask).to('out', text))
    const input = driver.inputTopic('in', text)
    for (const [key, value] of [
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['b', '4'],
    ] as const) {
      input.pipe(key, value)
    }
    expect(answers.asked).toEqual(['1', '2'])
    answers.answer('2')
    await goOn(driver)
    expect(answers.asked).toEqual(['1', '2', '4'])
    expect(valuesOf(driver)).toEqual(['2!'])
    for (const value of ['4', '1']) answers.answer(value)
    await goOn(driver)
    answers.answer('3')
    await driver.settle()
    expect(valuesOf(driver)).toEqual(['4!', '1!', '3!'])
  })

  test('by partition: calls are made side by side, results wait for those before them', async () => {
    const answers = new Answers()
    const driver = driverOf(stream =>
      stream.mapValuesAsync(answers.ask, { order: 'partition' }).to('out', text),
    )
    const input = driver.inputTopic('in', text)
    for (const value of ['1', '2', '3']) input.pipe('a', value)
    expect(answers.asked).toEqual(['1', '2', '3'])
    answers.answer('3')
    answers.answer('1')
    await goOn(driver)
    expect(valuesOf(driver)).toEqual(['1!'])
    answers.answer('2')
    await driver.settle()
    expect(valuesOf(driver)).toEqual(['2!', '3!'])
  })

  test('records without a key keep their order; keys that are objects are told apart by their bytes', async () => {
    const asked: string[] = []
    const ask = async (value: string): Promise<string> => {
      asked.push(value)
      return `${value}!`
    }
    const nulls = driverOf(stream => stream.mapValuesAsync(ask).to('out', text))
    for (const value of ['1', '2']) nulls.inputTopic('in', text).pipe(null, value)
    expect(asked).toEqual(['1'])
    await nulls.settle()
    expect(valuesOf(nulls)).toEqual(['1!', '2!'])

    asked.length = 0
    const objects = { key: json<{ id: string }>(), value: string() }
    const driver = new TestDriver(builder => {
      builder.stream('in', objects).foreachAsync((_, value) => ask(value))
    })
    for (const id of ['x', 'x', 'y']) driver.inputTopic('in', objects).pipe({ id }, id)
    expect(asked).toEqual(['x', 'y'])
    await driver.settle()
    expect(asked).toEqual(['x', 'y', 'x'])
  })

  test('keys that cannot be told apart are an error that says what to give', async () => {
    const toObject = (key: string, value: string) => [{ id: key }, value] as const
    const without = driverOf(stream =>
      stream.map(toObject).foreachAsync(async () => {}, { name: 'mail' }),
    )
    expect(() => without.inputTopic('in', text).pipe('a', '1')).toThrow(
      'mail keeps the order of each key and cannot tell keys apart that are objects',
    )
    const seen: string[] = []
    const given = driverOf(stream =>
      stream.map(toObject).foreachAsync(async ({ id }) => void seen.push(id), {
        key: json<{ id: string }>(),
      }),
    )
    given.inputTopic('in', text).pipe('a', '1')
    await given.settle()
    expect(seen).toEqual(['a'])
  })
})

describe('back-pressure', () => {
  test('a task takes no more than concurrency calls, and few records behind one of their key', async () => {
    const answers = new Answers()
    let taken = 0
    const driver = driverOf(stream =>
      stream
        .peek(() => void taken++)
        .mapValuesAsync(answers.ask, { concurrency: 2 })
        .to('out', text),
    )
    const input = driver.inputTopic('in', text)
    for (let at = 0; at < 40; at++) input.pipe('a', `${at}`)
    expect([answers.asked.length, taken]).toEqual([1, 5])
    input.pipe('b', 'b')
    expect(answers.asked).toEqual(['0'])
    for (let at = 0; at < 40; at++) {
      answers.answer(`${at}`)
      await goOn(driver)
    }
    answers.answer('b')
    await driver.settle()
    expect(valuesOf(driver)).toHaveLength(41)
  })

  test('answers that are no promises are not waited for', () => {
    const known = new Map([['1', 'one']])
    const driver = driverOf(stream =>
      stream.mapValuesAsync(value => known.get(value) ?? Promise.resolve('other')).to('out', text),
    )
    driver.inputTopic('in', text).pipe('a', '1')
    expect(valuesOf(driver)).toEqual(['one'])
  })
})

describe('what a record is when its result goes on', () => {
  test('its own: time, headers, place; also for those after it', async () => {
    const answers = new Answers()
    const places: unknown[] = []
    const driver = driverOf(stream =>
      stream
        .mapValuesAsync(answers.ask)
        .process(context => ({
          process(record) {
            places.push(context.recordMetadata)
            context.forward(record)
          },
        }))
        .to('out', text),
    )
    const header = { key: 'trace', value: Buffer.from('7') }
    const headers: Headers = [header]
    const input = driver.inputTopic('in', text)
    input.pipe('a', '1', { timestamp: 10, headers })
    input.pipe('b', '2', { timestamp: 99 })
    for (const value of ['2', '1']) answers.answer(value)
    await driver.settle()
    expect(driver.outputTopic('out', text).readAll()).toEqual([
      { key: 'b', value: '2!', timestamp: 99, headers: [] },
      { key: 'a', value: '1!', timestamp: 10, headers },
    ])
    expect(places).toEqual([
      { topic: 'in', partition: 0, offset: 1 },
      { topic: 'in', partition: 0, offset: 0 },
    ])
    expect(answers.calls[0]).toMatchObject({
      metadata: { topic: 'in', partition: 0, offset: 0 },
      timestamp: 10,
      attempt: 1,
    })
  })

  test('a grouping after mapAsync is repartitioned, one after mapValuesAsync is not', () => {
    const builder = new StreamsBuilder()
    const stream = builder.stream('in', text)
    stream
      .mapAsync(async (key, value) => [value, key])
      .groupByKey(text)
      .count()
    stream
      .mapValuesAsync(async value => value)
      .groupByKey(text)
      .count()
    stream.foreachAsync(async () => {})
    stream.processAsync(() => ({ process: async () => 1, completed() {} }))
    const described = describeTopology(builder.build('app'))
    expect(described).toMatchInlineSnapshot(`
      "Topologies:
         Sub-topology: 0
          Source: KSTREAM-SOURCE-0000000000 (topics: [in])
            --> KSTREAM-MAP-ASYNC-0000000001, KSTREAM-FOREACH-ASYNC-0000000010, KSTREAM-MAPVALUES-ASYNC-0000000007, KSTREAM-PROCESSOR-ASYNC-0000000011
          Processor: KSTREAM-MAP-ASYNC-0000000001 (stores: [])
            --> KSTREAM-FILTER-0000000005
            <-- KSTREAM-SOURCE-0000000000
          Processor: KSTREAM-FILTER-0000000005 (stores: [])
            --> KSTREAM-SINK-0000000004
            <-- KSTREAM-MAP-ASYNC-0000000001
          Processor: KSTREAM-MAPVALUES-ASYNC-0000000007 (stores: [])
            --> KSTREAM-AGGREGATE-0000000009
            <-- KSTREAM-SOURCE-0000000000
          Processor: KSTREAM-AGGREGATE-0000000009 (stores: [KSTREAM-AGGREGATE-STATE-STORE-0000000008])
            --> none
            <-- KSTREAM-MAPVALUES-ASYNC-0000000007
          Processor: KSTREAM-FOREACH-ASYNC-0000000010 (stores: [])
            --> none
            <-- KSTREAM-SOURCE-0000000000
          Processor: KSTREAM-PROCESSOR-ASYNC-0000000011 (stores: [])
            --> none
            <-- KSTREAM-SOURCE-0000000000
          Sink: KSTREAM-SINK-0000000004 (topic: KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition)
            <-- KSTREAM-FILTER-0000000005

        Sub-topology: 1
          Source: KSTREAM-SOURCE-0000000006 (topics: [KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition])
            --> KSTREAM-AGGREGATE-0000000003
          Processor: KSTREAM-AGGREGATE-0000000003 (stores: [KSTREAM-AGGREGATE-STATE-STORE-0000000002])
            --> none
            <-- KSTREAM-SOURCE-0000000006

      "
    `)
  })
})

describe('failures', () => {
  test('retries pause longer and longer, on the driver’s clock, and end with the handler', async () => {
    const times: number[] = []
    const driver = driverOf(
      stream =>
        stream
          .mapValuesAsync(
            async (value): Promise<string> => {
              times.push(driver.now)
              throw new Error(`no ${value}`)
            },
            { retries: 4, retryBackoffMs: 100, retryBackoffMaxMs: 400 },
          )
          .to('out', text),
      { processingExceptionHandler: logAndContinue, deadLetterTopic: 'dead' },
    )
    driver.inputTopic('in', text).pipe('a', '1', { headers: [{ key: 'h', value: null }] })
    await driver.settle()
    expect(times).toEqual([0, 100, 300, 700, 1100])
    expect(driver.droppedRecords).toBe(1)
    const letter = driver.outputTopic('dead', text).read()
    expect(letter).toMatchObject({ key: 'a', value: '1' })
    const named = (letter?.headers ?? []).map(({ key, value }) => [key, value?.toString()])
    expect(named).toContainEqual(['__streams.errors.message', 'no 1'])
    expect(named).toContainEqual(['__streams.errors.offset', '0'])
    expect(named).toContainEqual(['h', undefined])
  })

  test('retryIf ends it at once; what it throws is the error', async () => {
    const attempts: number[] = []
    const failing = (retryIf: (error: unknown) => boolean): TestDriver =>
      driverOf(stream =>
        stream.foreachAsync(
          async (_key, _value, { attempt }) => {
            attempts.push(attempt)
            throw new Error('not found')
          },
          { retries: 9, retryIf },
        ),
      )
    const never = failing(error => !(error instanceof Error && error.message === 'not found'))
    never.inputTopic('in', text).pipe('a', '1')
    await expect(never.settle()).rejects.toThrow('threw on the record at topic in')
    expect(attempts).toEqual([1])
    const throwing = failing(() => {
      throw new Error('retryIf is broken')
    })
    throwing.inputTopic('in', text).pipe('a', '1')
    await expect(throwing.settle()).rejects.toThrow('retryIf is broken')
  })

  test('an attempt that is out of time is aborted, and its late answer is nobody’s', async () => {
    const answers = new Answers()
    const driver = driverOf(stream =>
      stream.mapValuesAsync(answers.ask, { timeoutMs: 50, retries: 1 }).to('out', text),
    )
    driver.inputTopic('in', text).pipe('a', '1')
    driver.advance(50)
    const [first] = answers.calls
    expect(first?.signal.reason).toMatchObject({ code: 'CALL_TIMED_OUT' })
    answers.answer('1')
    await goOn(driver, 100)
    expect(answers.calls.map(({ attempt }) => attempt)).toEqual([1, 2])
    expect(valuesOf(driver)).toEqual([])
    answers.answer('1')
    await driver.settle()
    expect(valuesOf(driver)).toEqual(['1!'])
  })

  test('closing aborts what is under way', async () => {
    const answers = new Answers()
    const driver = driverOf(stream => stream.mapValuesAsync(answers.ask).to('out', text))
    driver.inputTopic('in', text).pipe('a', '1')
    driver.close()
    expect(answers.calls[0]?.signal.reason).toMatchObject({ code: 'CLOSED' })
    answers.answer('1')
    await new Promise(resolve => setImmediate(resolve))
    expect(valuesOf(driver)).toEqual([])
  })

  test('a throw in the beginning is an attempt, too', async () => {
    let calls = 0
    const driver = driverOf(stream =>
      stream
        .mapValuesAsync(
          value => {
            if (++calls < 3) throw new Error('not yet')
            return value
          },
          { retries: 2 },
        )
        .to('out', text),
    )
    driver.inputTopic('in', text).pipe('a', '1')
    await driver.settle()
    expect([calls, ...valuesOf(driver)]).toEqual([3, '1'])
  })
})

describe('processors', () => {
  const rows = keyValueStore('rows', text)

  test('use their stores before the first await and when they have completed, and not between', async () => {
    const supplier: AsyncProcessorSupplier<string, string, string, string, string> = context => {
      const store = context.store(rows)
      return {
        async process({ value }) {
          const before = store.get('last')
          await Promise.resolve()
          return value === 'wrong' ? `${store.get('last')}` : `${before} ${value}`
        },
        completed(record, result) {
          store.put('last', record.value)
          context.forward({ ...record, value: result })
        },
      }
    }
    const driver = driverOf(stream =>
      stream.processAsync(supplier, { name: 'own', stores: [rows] }).to('out', text),
    )
    const input = driver.inputTopic('in', text)
    for (const value of ['1', '2']) input.pipe('a', value)
    await driver.settle()
    expect(valuesOf(driver)).toEqual(['undefined 1', '1 2'])
    input.pipe('a', 'wrong')
    await expect(driver.settle()).rejects.toThrow(
      'Processor own used the store rows after an await',
    )
  })

  test('forward when they have completed, not before', async () => {
    const early = driverOf(stream =>
      stream.processAsync(context => ({
        process: async record => context.forward(record),
        completed() {},
      })),
    )
    early.inputTopic('in', text).pipe('a', '1')
    await expect(early.settle()).rejects.toThrow('called forward outside of process()')
  })

  test('have punctuators, which use stores, and are closed', () => {
    let closed = 0
    const driver = driverOf(stream =>
      stream
        .processAsync<string, string, null>(
          context => {
            const store = context.store(rows)
            context.schedule({ every: 10, type: 'wallClock' }, timestamp => {
              store.put('tick', `${timestamp}`)
              context.forward({ key: 'tick', value: `${timestamp}`, timestamp, headers: [] })
            })
            return { process: async () => null, completed() {}, close: () => void closed++ }
          },
          { stores: [rows] },
        )
        .to('out', text),
    )
    driver.advance(10)
    expect(valuesOf(driver)).toEqual(['10'])
    driver.close()
    expect(closed).toBe(1)
  })

  test('are one for each task', () => {
    const shared = { process: async () => 1, completed() {} }
    const define = (builder: StreamsBuilder): void => {
      builder.stream('in', text).processAsync(() => shared)
    }
    expect(() => new TestDriver(define, { partitions: 2 })).toThrow('the same processor twice')
  })

  test('and other operators need the context that a wrapper was given', () => {
    const builder = new StreamsBuilder()
    builder.stream('in', text).foreachAsync(async () => {}, { name: 'mail' })
    const topology = builder.build('app', {
      processorWrapper: (_, supplier) => context =>
        supplier({
          ...context,
          applicationId: 'other',
          taskId: '',
          nodeName: context.nodeName,
          recordMetadata: null,
          currentStreamTimeMs: 0,
          currentSystemTimeMs: 0,
          forward() {},
          store: () => {
            throw new Error('no stores')
          },
          schedule: () => ({ cancel() {} }),
          commit() {},
          metadata: () => ({ value: 0 }),
          drop() {},
        }),
    })
    expect(() => new TestDriver(topology)).toThrow(
      'mail does work that takes time, and its processor wrapper gave it a context of its own',
    )
  })
})

test.each([
  [{ concurrency: 0 }, 'concurrency of mapAsync is 0. Give a whole number of at least 1.'],
  [{ concurrency: 1.5 }, 'concurrency of mapAsync is 1.5'],
  [
    { timeoutMs: 0 },
    'timeoutMs of mapAsync is 0. Give a number of milliseconds above 0, or Infinity.',
  ],
  [{ timeoutMs: Number.NaN }, 'timeoutMs of mapAsync is NaN'],
  [{ retries: -1 }, 'retries of mapAsync is -1. Give a whole number of at least 0.'],
  [{ retryBackoffMs: Infinity }, 'retryBackoffMs of mapAsync is Infinity'],
  [{ retryBackoffMaxMs: -5 }, 'retryBackoffMaxMs of mapAsync is -5'],
  [{ order: 'none' }, "order of mapAsync is none. Give 'key' or 'partition'."],
])('options that cannot work are refused: %j', (options, message) => {
  const stream = new StreamsBuilder().stream('in', text)
  // @ts-expect-error Some do not compile.
  const build = (): unknown => stream.mapAsync((key, value) => [key, value], options)
  expect(build).toThrow(MillraceError)
  expect(build).toThrow(message)
})
