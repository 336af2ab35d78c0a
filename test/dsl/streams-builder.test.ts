import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type ErrorCode,
  MillraceError,
  StreamsBuilder,
  integer,
  json,
  long,
  string,
  tumbling,
} from '../../src/index.ts'

const strings = { key: string(), value: string() }

/** The message of the INVALID_TOPOLOGY with which the topology is refused. */
function refusal(build: (b: StreamsBuilder) => void): string {
  const code: ErrorCode = 'INVALID_TOPOLOGY'
  try {
    const builder = new StreamsBuilder()
    build(builder)
    builder.build('app')
  } catch (error) {
    if (error instanceof MillraceError && error.code === code) return error.message
    throw error
  }
  throw new Error('the topology was accepted')
}

describe('a missing serde is refused with the place and the option that gives it', () => {
  test('of a sink behind a map', () => {
    const message = refusal(b =>
      b
        .stream('in', strings)
        .map((k, v) => [v, k])
        .to('out'),
    )
    expect(message).toBe(
      'Nothing says how the keys of the topic out become bytes at KSTREAM-SINK-0000000002. Give a serde there: ' +
        "to('out', { key: … }).",
    )
  })

  test('of a repartition topic', () => {
    const message = refusal(b =>
      b
        .stream('in', strings)
        .groupBy((_, v) => v)
        .count(),
    )
    expect(message).toContain(
      'the keys of the topic KSTREAM-AGGREGATE-STATE-STORE-0000000002-repartition',
    )
    expect(message).toContain('groupBy, join or repartition with { key: … }')
  })

  test('of the values of a reduce', () => {
    const message = refusal(b =>
      b
        .stream('in', strings)
        .mapValues(v => v.length)
        .groupByKey()
        .reduce((sum, n) => sum + n),
    )
    expect(message).toContain('the values of the store KSTREAM-REDUCE-STATE-STORE-0000000002')
    expect(message).toContain('reduce({ value: … })')
  })

  test('of a stored table of mapped values', () => {
    const message = refusal(b => b.table('in', strings).mapValues(v => v.length, { store: 'n' }))
    expect(message).toContain('the values of the store n')
    expect(message).toContain('mapValues({ value: … })')
  })
})

describe('serdes are taken from where they are known', () => {
  const build = (define: (b: StreamsBuilder) => void): ReturnType<StreamsBuilder['build']> => {
    const builder = new StreamsBuilder()
    define(builder)
    return builder.build('app')
  }

  test('a count is a long, an aggregate JSON, a reduced value one of the values', () => {
    const { subtopologies } = build(b => {
      const grouped = b.stream('in', { key: string(), value: integer() }).groupByKey()
      grouped.count({ store: 'counts' })
      grouped.aggregate(
        () => ({ n: 0 }),
        (_, n, total) => ({ n: total.n + n }),
        { store: 'totals' },
      )
      grouped.reduce((sum, n) => sum + n, { store: 'sums' })
    })
    const stores = subtopologies.flatMap(part => part.stores)
    expect(stores.map(({ name, value }) => [name, value.name])).toEqual([
      ['counts', 'long'],
      ['totals', 'json'],
      ['sums', 'integer'],
    ])
  })

  test('one that is given goes before what the operator or the parent says', () => {
    const { subtopologies } = build(b =>
      b.stream('in', strings).groupByKey().count({ store: 'counts', value: integer() }),
    )
    expect(subtopologies[0]?.stores[0]?.value).toBe(integer())
  })

  test('the key of a windowed table is windowed outside of its store', () => {
    const { subtopologies } = build(b =>
      b
        .stream('in', strings)
        .groupByKey()
        .windowedBy(tumbling(10))
        .count({ store: 'counts' })
        .toStream()
        .to('out'),
    )
    const [part] = subtopologies
    expect(part?.stores[0]?.key).toBe(string())
    expect(part?.nodes.at(-1)).toMatchObject({ kind: 'sink', key: { name: 'windowed string' } })
  })

  test('a merge keeps the serde that both streams have, and no other', () => {
    const define = (b: StreamsBuilder, value: 'same' | 'other'): void => {
      const one = b.stream('one', strings)
      const two =
        value === 'same'
          ? b.stream('two', strings)
          : b.stream('two', { ...strings, value: json<string>() })
      one.merge(two).to('out')
    }
    expect(() => build(b => define(b, 'same'))).not.toThrow()
    expect(refusal(b => define(b, 'other'))).toContain('the values of the topic out')
  })
})

describe('is refused', () => {
  test('a stream of another builder', () => {
    const other = new StreamsBuilder().table('table', strings)
    expect(refusal(b => b.stream('in', strings).join(other, v => v))).toContain(
      'another StreamsBuilder',
    )
  })

  test('a topic that is read as two types', () => {
    const message = refusal(b => {
      b.stream('in', strings).to('one')
      b.stream('in', { key: string(), value: long() }).to('two')
    })
    expect(message).toContain('read twice, as string and string and as string and long')
  })

  test('a topic that is read through two schemas', () => {
    const narrow = z.object({ id: z.string() })
    const wide = z.object({ id: z.string(), amount: z.number() })
    const readTwice = (b: StreamsBuilder, one: z.ZodType, two: z.ZodType): void => {
      b.stream('in', { key: string(), value: json(one) }).to('one')
      b.stream('in', { key: string(), value: json(two) }).to('two')
    }
    expect(() => refusal(b => readTwice(b, narrow, narrow))).toThrow('the topology was accepted')
    expect(refusal(b => readTwice(b, narrow, wide))).toContain('by different serdes')
  })

  test('a topic that is read with two timestamps', () => {
    const message = refusal(b => {
      b.stream('in', strings).to('one')
      b.stream('in', { ...strings, timestamp: () => 1 }).to('two')
    })
    expect(message).toContain('read twice, each time with a timestamp of its own')
  })

  test('a stream of no topic, and topics that cannot exist', () => {
    expect(refusal(b => b.stream([], strings).to('out'))).toContain('reads no topic')
    expect(refusal(b => b.stream('a b', strings).to('out'))).toContain('The topic "a b" has')
    expect(refusal(b => b.globalTable('', strings))).toContain('The topic "" is empty')
    expect(refusal(b => b.stream('in', strings).to('a/b'))).toContain('The topic "a/b" has')
    const store = 'x'.repeat(240)
    expect(refusal(b => b.table('in', { ...strings, store }))).toContain('has 254 characters')
  })

  test.each([0, -1, 1.5, NaN])('a repartition topic of %j partitions', partitions => {
    expect(refusal(b => b.stream('in', strings).repartition({ partitions }))).toContain(
      `cannot have ${partitions} partitions`,
    )
  })

  test('a topic of two sources', () => {
    const message = refusal(b => {
      b.stream('in', strings).to('one')
      b.stream(['in', 'more'], strings).to('two')
    })
    expect(message).toContain('The topic in is read by two sources')
  })

  test('a name that two nodes have', () => {
    const message = refusal(b => {
      const input = b.stream('in', strings)
      input.filter(() => true, { name: 'same' })
      input.filterNot(() => true, { name: 'same' })
    })
    expect(message).toContain('Two nodes are called same')
  })

  test('a name that two stores have', () => {
    const message = refusal(b => {
      b.table('one', { ...strings, store: 'rows' })
      b.globalTable('two', { ...strings, store: 'rows' })
    })
    expect(message).toContain('Two stores are called rows')
  })

  test.each(['', '.', '..', 'a b', 'ä', 'x'.repeat(250)])('the name %j', name => {
    expect(refusal(b => b.stream('in', { ...strings, name }))).toContain('The name ')
  })
})

test('handles are frozen', () => {
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', strings)
  const grouped = stream.groupByKey()
  const handles = [
    stream,
    stream.toTable(),
    grouped,
    grouped.windowedBy(tumbling(1)),
    builder.globalTable('table', strings),
  ]
  expect(handles.every(handle => Object.isFrozen(handle))).toBe(true)
})

const text = { key: string(), value: string() }

test('a pattern that matches a topic of another source is refused', () => {
  const builder = new StreamsBuilder()
  builder.stream(/in-.*/, { ...text, name: 'P' }).to('out')
  builder.stream('in-a', { ...text, name: 'A' }).to('out')
  expect(() => builder.build('app')).toThrow('The pattern /in-.*/ of P matches the topic in-a')
})

test('one pattern is one source, however often it is read', () => {
  const builder = new StreamsBuilder()
  builder.stream(/in-.*/, text).to('one')
  builder.stream(/in-.*/, text).to('two')
  const [part, ...more] = builder.build('app').subtopologies
  expect(part?.nodes.filter(({ kind }) => kind === 'source')).toHaveLength(1)
  expect(more).toEqual([])
})
