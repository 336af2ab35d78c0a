import { keyValueStore, long } from '../../../src/index.ts'
import { type Topologies, log, longs, strings } from './shared.ts'

export const topologies: Topologies = {
  'table-source'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    table.toStream().to('out')
  },

  'table-source-not-materialized'(b) {
    const table = b.table('in', strings)
    table.toStream().to('out')
  },

  'table-null-key'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    table.toStream().to('out')
  },

  'table-filter'(b) {
    const table = b.table('in', strings)
    table
      .filter((_, v) => v.length > 1)
      .toStream()
      .to('out')
  },

  'table-filter-over-store'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    table
      .filter((_, v) => v.length > 1)
      .toStream()
      .to('out')
  },

  'table-filter-not-materialized-parent'(b) {
    const table = b.table('in', strings)
    table
      .filterNot((_, v) => v.length > 1, { store: 'short' })
      .toStream()
      .to('out')
  },

  'table-filter-not'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    table
      .filterNot((_, v) => v === '')
      .toStream()
      .to('out')
  },

  'table-filter-with-old-values'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    const filtered = table.filter((_, v) => v.startsWith('x'))
    filtered.toStream().to('out')
    filtered
      .groupBy((k, v) => [v, k], strings)
      .count({ store: 'counts' })
      .toStream()
      .to('counts')
  },

  'table-map-values'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    table
      .mapValues(v => {
        log(`map ${v}`)
        return `${v}!`
      })
      .toStream()
      .to('out', strings)
  },

  'table-map-values-materialized'(b) {
    const table = b.table('in', strings)
    table
      .mapValues((v, k) => (k + v).length, { store: 'lengths', value: long() })
      .toStream()
      .to('out')
  },

  'table-chain'(b) {
    const table = b.table('in', strings)
    table
      .filter((_, v) => v !== 'skip')
      .mapValues(v => v + v)
      .filterNot((_, v) => v.length > 4)
      .toStream()
      .to('out', strings)
  },

  'table-chain-queried'(b) {
    const table = b.table('in', { ...strings, store: 'store' })
    table
      .filter((_, v) => v !== 'skip')
      .mapValues(v => v + v, { store: 'doubled', ...strings })
      .toStream()
      .to('out')
  },

  'table-to-stream-mapper'(b) {
    const table = b.table('in', strings)
    table.toStream((k, v) => `${k}:${v}`).to('out', strings)
  },

  'table-in-memory'(b) {
    const table = b.table('in', { ...strings, store: 'store', inMemory: true })
    table.toStream().to('out')
  },

  'table-changelog-disabled'(b) {
    const table = b.table('in', { ...strings, store: 'store', changelog: false })
    table.toStream().to('out')
  },

  'table-lru-store'(b) {
    const table = b.table('in', { ...strings, store: 'store', maxEntries: 2 })
    table.toStream().to('out')
    table
      .groupBy((_, v) => ['all', v], { ...strings, name: 'all' })
      .count({ store: 'rows' })
      .toStream()
      .to('rows')
  },

  'table-transform-values'(b) {
    const seen = keyValueStore('seen', longs)
    b.addStateStore(seen)
    const table = b.table('in', { ...strings, store: 'store' })
    table
      .transformValues<string>(
        context => {
          const store = context.store(seen)
          return {
            transform(key, value) {
              store.put(key, (store.get(key) ?? 0) + 1)
              return `${value} ${store.get(key)}`
            },
          }
        },
        { stores: ['seen'] },
      )
      .toStream()
      .to('out', strings)
  },
}
