import type { NodeRule } from '../compile/rule.ts'
import { tableSource } from '../operators/table-source.ts'
import type { Serde } from '../../serde/serde.ts'
import type { TimestampExtractor } from '../timestamp-extractors.ts'
import type { OffsetReset } from '../topology.ts'
import { type Materialized, emitStore, historyRetentionMs, keyValueView } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `StreamsBuilder.table`: a source, and a processor that turns its records into changes. */
export interface TableSourceNode extends NodeBase<'tableSource'>, Materialized {
  readonly topic: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly timestamp?: TimestampExtractor | undefined
  /** Set where the store is restored from the topic, instead of a changelog that repeats it. */
  readonly reusesTopic?: boolean | undefined
  readonly offsetReset?: OffsetReset | undefined
}

export const tableSourceRule: NodeRule<TableSourceNode> = {
  key: 'settled',
  names: (node, counter) => ({
    store: node.store ?? counter.generate(`${node.topic}-STATE-STORE-`),
    source: counter.name(node.name && `${node.name}-source`, 'KSTREAM-SOURCE-'),
    name: counter.name(node.name, 'KTABLE-SOURCE-'),
  }),
  serdes: ({ key, value }) => ({ key, value }),
  planTables: (node, names, tables) =>
    tables.source(node.id, node.store, names.store, historyRetentionMs(node)),
  view: (_, store) => keyValueView(store ?? ''),
  emit(node, emission) {
    const { topic, key, value, timestamp, offsetReset, reusesTopic } = node
    const source = emission.names.source ?? topic
    emission.source({
      name: source,
      topics: [topic],
      key,
      value,
      ...(timestamp && { timestamp }),
      ...(offsetReset && { offsetReset }),
    })
    const stores = emitStore(node, emission, 'table', reusesTopic ? topic : undefined)
    emission.processor({ supplier: tableSource(emission.table), stores, parents: [source] })
  },
}
