import type { NodeRule } from '../compile/rule.ts'
import { tableSource } from '../operators/table-source.ts'
import type { Serde } from '../../serde/serde.ts'
import type { TimestampExtractor } from '../timestamp-extractors.ts'
import { keyValueView } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `StreamsBuilder.globalTable`: always stored, never logged, because its topic has everything. */
export interface GlobalTableNode extends NodeBase<'globalTable'> {
  readonly topic: string
  readonly store?: string | undefined
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly timestamp?: TimestampExtractor | undefined
}

export const globalTableRule: NodeRule<GlobalTableNode> = {
  key: 'settled',
  names: (node, counter) => ({
    store: node.store ?? counter.generate(`${node.topic}-STATE-STORE-`),
    source: counter.name(node.name && `${node.name}-source`, 'KSTREAM-SOURCE-'),
    name: counter.name(node.name, 'KTABLE-SOURCE-'),
  }),
  serdes: ({ key, value }) => ({ key, value }),
  planTables: (node, names, tables) => tables.stored(node.id, names.store),
  view: (_, store) => keyValueView(store ?? ''),
  emit({ topic, key, value, timestamp }, emission) {
    const { name, source = topic, store = topic } = emission.names
    emission.globalStore({
      source: {
        kind: 'source',
        name: source,
        topics: [topic],
        key,
        value,
        ...(timestamp && { timestamp }),
      },
      processor: {
        kind: 'processor',
        name,
        parents: [source],
        stores: [store],
        supplier: tableSource(emission.table),
      },
      store: { kind: 'timestampedKeyValue', name: store, key, value, changelogTopic: null },
    })
  },
}
