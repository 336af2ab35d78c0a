import {
  joinWindows,
  keyValueStore,
  long,
  sessions,
  sliding,
  type StreamsBuilder,
  string,
  tumbling,
  untilWindowCloses,
  type ValueTransformer,
} from '../../../src/index.ts'
import { type Topologies, longs, processor, strings } from './shared.ts'

const repartitions = (b: StreamsBuilder): void => {
  const input = b.stream('in', strings).map((k, v) => [v, k])
  input
    .filter(() => true)
    .groupByKey(strings)
    .count()
    .toStream()
    .to('one')
  input
    .groupByKey(strings)
    .reduce((_, v) => v)
    .toStream()
    .to('two')
  input
    .groupByKey(strings)
    .windowedBy(tumbling(10))
    .count()
    .toStream()
    .selectKey(({ key }) => key)
    .to('three', longs)
  const other = b.stream('other', strings)
  input.join(other, l => l, joinWindows(10), strings).to('four', strings)
}

export const topologies: Topologies = {
  'names-stateless'(b) {
    const input = b.stream('in', strings)
    input
      .filter(() => true)
      .filterNot(() => false)
      .map((k, v) => [k, v])
      .mapValues(v => v)
      .flatMap((k, v) => [[k, v]])
      .flatMapValues(v => [v])
      .selectKey(k => k)
      .peek(() => {})
      .merge(b.stream('more', strings))
      .foreach(() => {})
  },

  'names-stateless-given'(b) {
    const input = b.stream('in', { ...strings, name: 'source' })
    input
      .filter(() => true, { name: 'some' })
      .filterNot(() => false, { name: 'not-some' })
      .map((k, v) => [k, v], { name: 'mapped' })
      .mapValues(v => v, { name: 'values' })
      .flatMap((k, v) => [[k, v]], { name: 'flat' })
      .flatMapValues(v => [v], { name: 'flat-values' })
      .selectKey(k => k, { name: 'keyed' })
      .peek(() => {}, { name: 'peeked' })
      .merge(b.stream('more', strings), { name: 'merged' })
      .filter(() => true)
      .to('out', { name: 'sink', ...strings })
  },

  'names-table'(b) {
    b.table('one', strings).toStream().to('out')
    b.table('two', { ...strings, name: 'second' })
      .toStream({ name: 'stream' })
      .to('out')
    b.table('three', { ...strings, store: 'rows' })
      .toStream()
      .to('out')
    b.table('four', strings).toStream().to('out')
  },

  'names-count'(b) {
    b.stream('in', strings).groupByKey().count().toStream().to('out')
  },

  'names-count-materialized'(b) {
    b.stream('one', strings).groupByKey().count({ store: 'counts' }).toStream().to('out')
    b.stream('two', strings)
      .groupByKey()
      .count({ key: string(), value: long() })
      .toStream()
      .to('out')
    b.stream('three', strings).groupByKey().count({ name: 'counter' }).toStream().to('out')
  },

  'names-group-by-store'(b) {
    b.stream('in', strings)
      .groupBy((_, v) => v, strings)
      .count({ store: 'counts' })
      .toStream()
      .to('out')
  },

  'names-stream-table-join'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', strings)
    input.join(table, v => v).to('one', strings)
    input.leftJoin(table, v => v, { name: 'enrich' }).to('two', strings)
    input
      .selectKey((_, v) => v)
      .join(table, v => v, strings)
      .to('three', strings)
    input
      .selectKey((_, v) => v)
      .leftJoin(table, v => v, { name: 'late', ...strings })
      .to('four', strings)
  },

  'names-global-join'(b) {
    const global = b.globalTable('global', strings)
    const named = b.globalTable('named', { ...strings, store: 'named-rows' })
    const input = b.stream('in', strings)
    input
      .join(
        global,
        (_, v) => v,
        v => v,
      )
      .to('one', strings)
    input
      .leftJoin(
        named,
        (_, v) => v,
        v => v,
        { name: 'look-up' },
      )
      .to('two', strings)
  },

  'names-grouped-table'(b) {
    const table = b.table('in', strings)
    table
      .groupBy((k, v) => [v, k], strings)
      .count()
      .toStream()
      .to('one')
    table
      .groupBy((k, v) => [v, k], strings)
      .reduce(
        (_, v) => v,
        aggregate => aggregate,
      )
      .toStream()
      .to('two')
    table
      .groupBy((k, v) => [v, k], strings)
      .aggregate(
        () => '',
        (_, v) => v,
        (_k, _v, aggregate) => aggregate,
      )
      .toStream()
      .to('three')
  },

  'names-table-join-given'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left
      .join(right, l => l, { name: 'inner' })
      .toStream()
      .to('one', strings)
    left
      .leftJoin(right, l => l, { store: 'left-joined', ...strings })
      .toStream()
      .to('two')
    left
      .outerJoin(right, l => l, { name: 'outer', store: 'outer-joined', ...strings })
      .toStream()
      .to('three')
    left
      .join(right, l => l, strings)
      .toStream()
      .to('four')
  },

  'names-repartition'(b) {
    const input = b.stream('in', strings)
    input
      .repartition()
      .mapValues(v => v)
      .to('one', strings)
    input
      .repartition({ name: 'again' })
      .mapValues(v => v)
      .to('two', strings)
    input
      .repartition({ partitions: 5 })
      .mapValues(v => v)
      .to('three', strings)
  },

  'sources-stream-and-table'(b) {
    b.stream('in', strings).to('one')
    b.table('in', { ...strings, store: 'rows' })
      .toStream()
      .to('two')
  },

  'sub-topologies-two'(b) {
    b.stream('b', strings)
      .mapValues(v => v)
      .to('b-out', strings)
    b.stream('a', strings).groupByKey().count().toStream().to('a-out')
  },

  'sub-topologies-through'(b) {
    b.stream('in', strings)
      .mapValues(v => v)
      .to('middle', strings)
    b.stream('middle', strings)
      .filter(() => true)
      .to('out')
  },

  'name-invalid'(b) {
    b.stream('in', strings)
      .filter(() => true, { name: 'not valid' })
      .to('out')
  },

  'optimized-tables'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', { ...strings, store: 'right-rows' })
    left
      .outerJoin(right, l => l ?? '')
      .groupBy((k, v) => [v, k], strings)
      .count()
      .toStream()
      .to('out')
  },

  'names-stream-join'(b) {
    const left = b.stream('left', strings)
    const right = b.stream('right', strings)
    left.join(right, l => l, joinWindows(10)).to('one', strings)
    left.leftJoin(right, l => l, joinWindows(10)).to('two', strings)
    left.outerJoin(right, l => l, joinWindows(10)).to('three', strings)
  },

  'names-stream-join-repartitioned'(b) {
    const left = b.stream('left', strings).selectKey((_, v) => v)
    const right = b.stream('right', strings).selectKey((_, v) => v)
    const serdes = { ...strings, otherValue: string() }
    left.join(right, l => l, joinWindows(10), serdes).to('one', strings)
    left.outerJoin(right, l => l, joinWindows(10), { ...serdes, name: 'pair' }).to('two', strings)
  },

  'optimized-self-join'(b) {
    const input = b.stream('in', strings)
    input.join(input, l => l, joinWindows(10)).to('out', strings)
  },

  'optimized-repartitions': repartitions,
  'plain-repartitions': repartitions,
  'sub-topologies-store-before-read'(b) {
    b.table('table', { ...strings, store: 'rows' })
    b.stream('in', strings)
      .process(
        processor(() => () => {}),
        { stores: ['rows'] },
      )
      .to('out', strings)
  },

  'global-stores'(b) {
    const store = keyValueStore('one-store', { ...strings, inMemory: true })
    b.addGlobalStore(store, 'one', strings, () => ({ process() {} }))
    b.stream('in', strings).to('out')
    b.globalTable('two', { ...strings, store: 'two-store' })
  },

  'papi-describe'(_, t) {
    const nothing = processor(() => () => {})
    return t
      .addSource('s1', ['a', 'b'], strings)
      .addSource('s2', /c.*/, strings)
      .addProcessor('p1', nothing, ['s1', 's2'])
      .addProcessor('p2', nothing, 'p1')
      .addProcessor('p3', nothing, ['p1', 's2'])
      .addStateStore(keyValueStore('store-b', { ...strings, inMemory: true }), ['p2', 'p3'])
      .addStateStore(keyValueStore('store-a', { ...strings, inMemory: true }), 'p2')
      .addSink('k1', 'out', ['p2', 'p3'], strings)
      .addSink('k2', () => 'x', 'p1', strings)
  },

  'papi-describe-disconnected'(_, t) {
    const nothing = processor(() => () => {})
    return t
      .addSource('source-1', 't1', strings)
      .addSource('source-2', 't2', strings)
      .addSource('source-3', 't3', strings)
      .addProcessor('processor-1', nothing, 'source-1')
      .addProcessor('processor-2', nothing, 'source-2')
      .addProcessor('processor-3', nothing, 'source-3')
      .addStateStore(keyValueStore('store', { ...strings, inMemory: true }), [
        'processor-2',
        'processor-3',
      ])
  },

  'papi-duplicate-name': (_, t) =>
    t.addSource('node', 'in', strings).addSink('node', 'out', 'node', strings),

  'papi-topic-twice': (_, t) => t.addSource('one', 'in', strings).addSource('two', 'in', strings),

  'papi-unknown-parent': (_, t) =>
    t.addSource('source', 'in', strings).addSink('sink', 'out', 'nobody', strings),

  'names-print'(b) {
    const input = b.stream('in', strings)
    input.print({ label: 'in', write() {} })
    input.print({ name: 'printer', write() {} })
    input.foreach(() => {}, { name: 'end' })
  },

  'names-split-given'(b) {
    const { rest } = b
      .stream('in', strings)
      .split({ name: 'kind-' })
      .branch(() => true, { name: 'a' })
      .branch(() => true, { name: 'b', chain: s => s.to('b-out') })
      .branch(() => true)
      .defaultBranch({ name: 'rest', chain: s => s.mapValues(v => `${v}!`) })
    rest.to('rest-out', strings)
  },

  'names-windowed'(b) {
    const grouped = b.stream('in', strings).groupByKey()
    grouped.windowedBy(tumbling(10)).count().toStream().to('one')
    grouped.windowedBy(tumbling(10)).count({ key: string(), value: long() }).toStream().to('two')
    grouped
      .windowedBy(tumbling(10))
      .reduce((_, v) => v)
      .toStream()
      .to('three')
    grouped.windowedBy(sliding(10)).count().toStream().to('four')
    grouped
      .windowedBy(sliding(10))
      .aggregate(
        () => '',
        (_, v) => v,
      )
      .toStream()
      .to('five')
  },

  'names-sessions'(b) {
    const input = b.stream('in', strings)
    input
      .groupByKey()
      .windowedBy(sessions(10))
      .count()
      .toStream()
      .selectKey(({ key }) => key)
      .to('one', { key: string() })
    input
      .groupBy((_, v) => v, strings)
      .windowedBy(sessions(10))
      .reduce((_, v) => v, { store: 'sessions' })
      .toStream()
      .selectKey(({ key }) => key)
      .to('two', strings)
  },

  'names-emit-final'(b) {
    b.stream('in', strings)
      .groupByKey()
      .windowedBy(tumbling(10))
      .emitStrategy('onWindowClose')
      .count({ store: 'counts' })
      .toStream()
      .selectKey(({ key }) => key)
      .to('out', { key: string() })
  },

  'names-stream-table-grace'(b) {
    const input = b.stream('in', strings)
    const table = b.table('table', { ...strings, store: 'rows', historyRetention: 100 })
    input.join(table, v => v, { grace: 10 }).to('one', strings)
    input.leftJoin(table, v => v, { name: 'patient', grace: 10 }).to('two', strings)
  },

  'sinks-dynamic'(b) {
    b.stream('in', strings).to((_, v) => v)
  },

  'names-fk-join-given'(b) {
    const left = b.table('left', strings)
    const right = b.table('right', strings)
    left
      .leftJoin(
        right,
        v => v,
        l => l,
        { name: 'look-up', store: 'looked-up', ...strings },
      )
      .toStream()
      .to('out')
  },

  'names-table-operators'(b) {
    const table = b.table('in', strings)
    table
      .filter(() => true)
      .filterNot(() => false)
      .mapValues(v => v)
      .transformValues(same)
      .toStream((_, v) => v)
      .to('out', strings)
  },

  'names-table-operators-given'(b) {
    const table = b.table('in', strings)
    table
      .filter(() => true, { name: 'f', store: 'f-store' })
      .filterNot(() => false, { store: 'n-store' })
      .mapValues(v => v, { name: 'm' })
      .transformValues(same, { ...strings, name: 't' })
      .toStream((_, v) => v, { name: 's' })
      .to('out', strings)
  },

  'sub-topologies-many'(b) {
    const orders = b.stream('orders', { ...strings, name: 'orders' })
    const customers = b.table('customers', {
      ...strings,
      name: 'customers',
      store: 'customer-rows',
    })
    const products = b.globalTable('products', { ...strings, store: 'product-rows' })
    const rich = orders
      .join(
        products,
        (_, v) => v,
        (v, p) => v + p,
        { name: 'with-product' },
      )
      .leftJoin(customers, (v, c) => `${v}${c}`, { name: 'with-customer', ...strings })
    rich
      .split({ name: 'by-' })
      .branch((_, v) => v.startsWith('x'), {
        name: 'express',
        chain: s => s.to('express', strings),
      })
      .defaultBranch({ name: 'normal', chain: s => s.to('normal', strings) })
    rich
      .groupBy((_, v) => v, { name: 'by-text', ...strings })
      .windowedBy(tumbling(1000, { grace: 100 }))
      .count({ name: 'count', store: 'counts' })
      .suppress(untilWindowCloses())
      .toStream(({ key }) => key)
      .to('counts', { key: string(), value: long() })
  },
}

/** A transformer of tables that returns its value. */
const same = (): ValueTransformer<string, string, string> => ({ transform: (_, value) => value })
