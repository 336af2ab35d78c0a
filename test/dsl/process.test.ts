import { describe, expect, test } from 'vitest'

import {
  type Processor,
  StreamsBuilder,
  type TimestampedKeyValueStore,
  keyValueStore,
  long,
  string,
  timestampedKeyValueStore,
} from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

const text = { key: string(), value: string() }
const rows = keyValueStore('rows', text)

describe('stores of processors', () => {
  test('one definition is one store, wherever it is handed to', () => {
    const builder = new StreamsBuilder()
    builder.addStateStore(rows)
    for (const topic of ['one', 'two']) {
      builder.stream(topic, text).process(() => ({ process() {} }), { stores: [rows] })
    }
    const { subtopologies, internalTopics } = builder.build('app')
    expect(subtopologies.map(({ stores }) => stores.map(({ name }) => name))).toEqual([['rows']])
    expect(internalTopics.map(({ name }) => name)).toEqual(['app-rows-changelog'])
  })

  test('a store that nobody uses is not there, nor is its changelog', () => {
    const builder = new StreamsBuilder()
    builder.addStateStore(rows)
    builder.stream('in', text).to('out')
    const { subtopologies, internalTopics } = builder.build('app')
    expect(subtopologies.flatMap(({ stores }) => stores)).toEqual([])
    expect(internalTopics).toEqual([])
  })

  test('two definitions of one name are refused', () => {
    const builder = new StreamsBuilder()
    builder.addStateStore(rows)
    builder.addStateStore(keyValueStore('rows', { key: string(), value: long() }))
    expect(() => builder.build('app')).toThrow('Two stores are called rows')
  })

  test('a name of no store, and of a global one, is refused', () => {
    const builder = new StreamsBuilder()
    builder.stream('in', text).process(() => ({ process() {} }), { name: 'P', stores: ['rows'] })
    expect(() => builder.build('app')).toThrow(
      'P is to be connected to the store rows, which the topology does not have.',
    )
    builder.globalTable('table', { ...text, store: 'rows' })
    expect(() => builder.build('app')).toThrow('P names the global store rows.')
  })

  test('a processor gets no store that it is not connected to', () => {
    const build = (builder: StreamsBuilder): void => {
      const processed = builder
        .stream('in', text)
        .process(() => ({ process() {} }), { stores: [rows] })
      processed.process(context => {
        context.store(rows)
        return { process() {} }
      })
    }
    expect(() => new TestDriver(build)).toThrow(expect.objectContaining({ code: 'UNKNOWN_STORE' }))
  })

  test('a null key is refused with a sentence', () => {
    const driver = new TestDriver(builder => {
      const read = builder.stream('in', text).process(
        context => {
          const store = context.store(rows)
          return { process: ({ key }) => void store.get(key) }
        },
        { stores: [rows] },
      )
      read.foreach(() => {})
    })
    const pipe = (): void => driver.inputTopic('in', text).pipe(null, 'value')
    expect(pipe).toThrow('The state store rows was asked for the key null.')
  })
})

describe('ranges', () => {
  const keysOf = (store: TimestampedKeyValueStore<string, string>): string =>
    [...store.rows()].map(({ key }) => key).join()

  test.each(['table', 'globalTable'] as const)('of the store of a %s', kind => {
    const driver = new TestDriver(builder => {
      builder[kind]('table', { ...text, store: 'rows' })
      const asked = builder.stream('in', text).processValues<string>(
        context => {
          const store = context.store<TimestampedKeyValueStore<string, string>>('rows')
          return { process: record => context.forward(record.withValue(keysOf(store))) }
        },
        { stores: kind === 'table' ? ['rows'] : [] },
      )
      asked.to('out', text)
    })
    for (const key of ['b', 'a']) driver.inputTopic('table', text).pipe(key, 'row')
    driver.inputTopic('in', text).pipe('x', '?')
    expect(
      driver
        .outputTopic('out', text)
        .readAll()
        .map(({ value }) => value),
    ).toEqual(['a,b'])
  })

  test('of a store that opted out are refused with a sentence', () => {
    const plain = timestampedKeyValueStore('plain', { ...text, ordered: false })
    const driver = new TestDriver(builder => {
      const asked = builder.stream('in', text).processValues<string>(
        context => {
          const store = context.store(plain)
          return { process: record => context.forward(record.withValue(keysOf(store))) }
        },
        { stores: [plain] },
      )
      asked.to('out', text)
    })
    const pipe = (): void => driver.inputTopic('in', text).pipe('x', '?')
    expect(pipe).toThrow('is not ordered: it can be read by key alone')
  })
})

describe('what a processor may not do', () => {
  test('forward outside of process and punctuators', () => {
    let forward = (): void => {}
    const driver = new TestDriver(builder => {
      const processed = builder.stream('in', text).process(context => {
        forward = () => context.forward({ key: 'a', value: 'b', timestamp: 1, headers: [] })
        return { process() {} }
      })
      processed.to('out', text)
    })
    expect(forward).toThrow('called forward outside of process()')
    driver.close()
  })

  test.each([-1, 0.5, Number.NaN, 2 ** 53])('forward a record with the timestamp %d', timestamp => {
    const driver = new TestDriver(builder => {
      const processed = builder.stream('in', text).process(context => ({
        process: record => context.forward({ ...record, timestamp }),
      }))
      processed.to('out', text)
    })
    const pipe = (): void => driver.inputTopic('in', text).pipe('a', 'b')
    expect(pipe).toThrow(expect.objectContaining({ code: 'INVALID_TIMESTAMP' }))
  })

  test('work for two tasks', () => {
    const one: Processor<string, string> = { process() {} }
    const builder = new StreamsBuilder()
    builder.stream('in', text).process(() => one, { name: 'P' })
    const topology = builder.build('app')
    expect(new TestDriver(topology).now).toBe(0)
    expect(() => new TestDriver(topology)).toThrow('The supplier of P returned the same processor')
  })

  test.each([{ every: 0 }, { every: { months: 1 } }, { every: 10, startAt: -1 }])(
    'schedule %o',
    options => {
      const build = (builder: StreamsBuilder): void => {
        builder.stream('in', text).process(context => {
          context.schedule({ ...options, type: 'wallClock' }, () => {})
          return { process() {} }
        })
      }
      expect(() => new TestDriver(build)).toThrow(
        expect.objectContaining({ code: 'INVALID_CONFIG' }),
      )
    },
  )
})

test('what fills a global store cannot schedule', () => {
  const build = (builder: StreamsBuilder): void => {
    builder.addGlobalStore(rows, 'in', text, context => {
      context.schedule({ every: 1, type: 'streamTime' }, () => {})
      return { process() {} }
    })
  }
  expect(() => new TestDriver(build)).toThrow('fills a global store and cannot schedule')
})

test('when a processor cannot be made, those before it are closed', () => {
  const closed: string[] = []
  const build = (builder: StreamsBuilder): void => {
    const first = builder
      .stream('in', text)
      .process(() => ({ process() {}, close: () => void closed.push('first') }))
    first.process(() => {
      throw new RangeError('not today')
    })
  }
  expect(() => new TestDriver(build)).toThrow('not today')
  expect(closed).toEqual(['first'])
})

test('a driver closes its processors once', () => {
  let closed = 0
  const driver = new TestDriver(builder => {
    builder.stream('in', text).process(() => ({ process() {}, close: () => void closed++ }))
  })
  driver.close()
  driver.close()
  expect(closed).toBe(1)
})
