import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  StreamsBuilder,
  type Topology,
  hopping,
  string,
  toMermaid,
  tumbling,
} from '../../src/index.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { UnionFind } from '../../src/topology/compile/union-find.ts'

const strings = { key: string(), value: string() }

function build(define: (b: StreamsBuilder) => void): Topology {
  const builder = new StreamsBuilder()
  define(builder)
  return builder.build('app')
}

describe('internal topics', () => {
  test('have the names and configs that Kafka Streams gives them', () => {
    const { internalTopics } = build(b => {
      const grouped = b.stream('in', strings).groupBy((_, v) => v, { name: 'by-value', ...strings })
      grouped.count({ store: 'counts' })
      grouped.windowedBy(tumbling(1000, { grace: 500 })).count({ store: 'windows' })
    })
    const timestamps = { 'message.timestamp.type': 'CreateTime' }
    expect(internalTopics).toEqual([
      {
        name: 'app-by-value-repartition',
        kind: 'repartition',
        configs: {
          ...timestamps,
          'cleanup.policy': 'delete',
          'retention.ms': '-1',
          'segment.bytes': '52428800',
        },
      },
      {
        name: 'app-counts-changelog',
        kind: 'changelog',
        configs: { ...timestamps, 'cleanup.policy': 'compact' },
      },
      {
        name: 'app-windows-changelog',
        kind: 'changelog',
        configs: { ...timestamps, 'cleanup.policy': 'compact' },
      },
    ])
  })

  test('carry a number of partitions only if it was given', () => {
    const { internalTopics } = build(b => {
      const input = b.stream('in', strings)
      input.repartition({ name: 'three', partitions: 3 }).to('one')
      input.repartition({ name: 'any' }).to('two')
    })
    expect(internalTopics.map(({ name, partitions }) => [name, partitions])).toEqual([
      ['app-three-repartition', 3],
      ['app-any-repartition', undefined],
    ])
  })

  test('are not made for stores without a changelog', () => {
    const topology = build(b => b.table('in', { ...strings, store: 'rows', changelog: false }))
    expect(topology.internalTopics).toEqual([])
    expect(topology.subtopologies[0]?.stores[0]?.changelogTopic).toBeNull()
  })

  test('have the settings that are given, but never forget rows', () => {
    const count = (changelog: Record<string, string>): Topology =>
      build(b => {
        b.stream('in', strings).groupByKey().count({ store: 'counts', changelog })
      })
    const [topic] = count({ 'segment.bytes': '1000000' }).internalTopics
    expect(topic?.configs).toEqual({
      'cleanup.policy': 'compact',
      'message.timestamp.type': 'CreateTime',
      'segment.bytes': '1000000',
    })
    expect(() => count({ 'cleanup.policy': 'delete' })).toThrow('deletes rows that the store still')
  })
})

describe('where rows are kept', () => {
  test('is said for all stores of operators, or for one', () => {
    const builder = new StreamsBuilder()
    const words = builder.stream('words', strings).groupByKey()
    words.count({ store: 'counts' })
    words.windowedBy(tumbling(5)).count({ store: 'windows' })
    words.reduce((_, word) => word, { store: 'latest', inMemory: false })
    builder.table('rows', { ...strings, store: 'versions', historyRetention: 5 })
    const kept = (defaultStore?: 'inMemory' | 'onDisk'): (string | undefined)[] =>
      builder
        .build('app', defaultStore && { defaultStore })
        .subtopologies.flatMap(({ stores }) => stores)
        .flatMap(({ name, inMemory }) => (inMemory ? [name] : []))
    expect(kept('inMemory')).toEqual(['counts', 'windows'])
    expect(kept('onDisk')).toEqual([])
    expect(kept()).toEqual([])
  })
})

describe('co-partitioning', () => {
  test('binds the topics of a join, the repartition topic in place of what is before it', () => {
    const { subtopologies } = build(b => {
      const table = b.table('table', strings)
      b.stream('a', strings).join(table, v => v)
      b.stream('b', strings)
        .selectKey((_, v) => v)
        .join(table, v => v, { name: 'joined', ...strings })
    })
    expect(subtopologies.map(part => part.copartitioned)).toEqual([
      [['a', 'table', 'app-joined-repartition']],
      [],
    ])
  })

  test('looks through operators to the sources on both sides', () => {
    const { subtopologies } = build(b => {
      const merged = b.stream('a', strings).merge(b.stream('b', strings))
      const counts = b
        .stream('c', strings)
        .groupBy((_, v) => v, { name: 'by-value', ...strings })
        .count()
        .filter((_, n) => n > 1)
      merged.leftJoin(counts, (v, n) => `${v}${n}`)
    })
    expect(subtopologies.flatMap(part => part.copartitioned)).toEqual([
      ['a', 'b', 'app-by-value-repartition'],
    ])
  })

  test('does not bind a global table', () => {
    const { subtopologies } = build(b =>
      b.stream('a', strings).join(
        b.globalTable('g', strings),
        k => k,
        v => v,
      ),
    )
    expect(subtopologies[0]?.copartitioned).toEqual([])
  })
})

describe('repartition topics', () => {
  const repartitions = (define: (b: StreamsBuilder) => void): string[] =>
    build(define)
      .internalTopics.filter(({ kind }) => kind === 'repartition')
      .map(({ name }) => name)

  test('of one stream are shared by its unnamed joins', () => {
    const names = repartitions(b => {
      const table = b.table('table', strings)
      const keyed = b.stream('in', strings).selectKey((_, v) => v, { name: 'keyed' })
      keyed.join(table, v => v, strings)
      keyed.leftJoin(table, v => v, strings)
      keyed.join(table, v => v, { name: 'own', ...strings })
    })
    expect(names).toEqual(['app-keyed-repartition', 'app-own-repartition'])
  })

  test('are not needed while the key stays', () => {
    const names = repartitions(b => {
      const input = b.stream('in', strings)
      const same = input
        .filter(() => true)
        .mapValues(v => v)
        .flatMapValues(v => [v])
        .peek(() => {})
      same.groupByKey(strings).count()
      same.toTable(strings)
      same.join(b.table('table', strings), v => v)
    })
    expect(names).toEqual([])
  })

  test('settle the key for everything after them', () => {
    const names = repartitions(b => {
      const keyed = b
        .stream('in', strings)
        .selectKey((_, v) => v)
        .repartition({ name: 'once', ...strings })
      keyed.groupByKey().count()
      keyed.toTable()
    })
    expect(names).toEqual(['app-once-repartition'])
  })
})

describe('a windowed table is written by the key without its window', () => {
  test.each(['a', 'b', 'ü'])('%s', key => {
    const { subtopologies } = build(b =>
      b
        .stream('in', strings)
        .groupByKey()
        .windowedBy(hopping(10, { advance: 5 }))
        .count()
        .toStream()
        .to('out'),
    )
    const sink = subtopologies[0]?.nodes.at(-1)
    const partitionOf = (start: number) =>
      sink?.kind === 'sink'
        ? sink.partitioner?.({ key, window: { start, end: start + 10 } }, 1, 7)
        : undefined
    expect(partitionOf(0)).toBe(partitionForKey(Buffer.from(key), 7))
    expect(partitionOf(5)).toBe(partitionOf(0))
  })
})

test('what is compiled is frozen', () => {
  const topology = build(b => b.stream('in', strings).groupByKey().count())
  const [part] = topology.subtopologies
  const objects = [
    topology,
    topology.internalTopics,
    part,
    part?.nodes,
    part?.nodes[0],
    part?.stores,
  ]
  expect(objects.every(object => Object.isFrozen(object))).toBe(true)
})

test('union-find agrees with a walk over the connections', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, name), { maxLength: 12 }),
      name,
      name,
      (pairs, from, to) => {
        const connected = new UnionFind()
        for (const [one, two] of pairs) connected.union(one, two)
        expect(connected.find(from) === connected.find(to)).toBe(reachable(pairs, from).has(to))
      },
    ),
  )
})

function reachable(pairs: readonly (readonly [string, string])[], from: string): Set<string> {
  const seen = new Set([from])
  for (let before = 0; before < seen.size;) {
    before = seen.size
    for (const [one, two] of pairs) {
      if (seen.has(one)) seen.add(two)
      if (seen.has(two)) seen.add(one)
    }
  }
  return seen
}

test('Mermaid shows that the topic of a sink is chosen for each record', () => {
  const topology = build(b => {
    b.stream('in', { ...strings, name: 'read' }).to(key => key, { name: 'write' })
  })
  expect(toMermaid(topology)).toContain(
    '  node_write --> node_write_topics(["chosen for each record"])\n',
  )
})

test('Mermaid shows topics, processors, stores and the parts', () => {
  const topology = build(b => {
    b.globalTable('rates', { ...strings, store: 'rates' })
    b.stream('in', { ...strings, name: 'source' })
      .groupByKey()
      .count({ store: 'counts', name: 'counter' })
  })
  expect(toMermaid(topology)).toBe(`flowchart TD
  topic_rates(["rates"])
  topic_in(["in"])
  subgraph part0["Sub-topology 0: global store"]
    node_KSTREAM_45_SOURCE_45_0000000000["KSTREAM-SOURCE-0000000000"]
    node_KTABLE_45_SOURCE_45_0000000001["KTABLE-SOURCE-0000000001"]
    store_rates[("rates")]
  end
  subgraph part1["Sub-topology 1"]
    node_source["source"]
    node_counter["counter"]
    store_counts[("counts")]
  end
  topic_rates --> node_KSTREAM_45_SOURCE_45_0000000000
  node_KSTREAM_45_SOURCE_45_0000000000 --> node_KTABLE_45_SOURCE_45_0000000001
  node_KTABLE_45_SOURCE_45_0000000001 --- store_rates
  topic_in --> node_source
  node_source --> node_counter
  node_counter --- store_counts
`)
})
