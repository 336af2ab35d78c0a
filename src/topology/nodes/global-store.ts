import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { userProcessor } from '../operators/user-processor.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { StoreBuilder } from '../store-builder.ts'
import type { TimestampExtractor } from '../timestamp-extractors.ts'
import type { NodeBase } from './node.ts'

/** `StreamsBuilder.addGlobalStore`: a topic whose records a processor puts into a store that every instance has. */
export interface GlobalStoreNode extends NodeBase<'globalStore'> {
  readonly topic: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly timestamp?: TimestampExtractor | undefined
  readonly store: StoreBuilder
  readonly supplier: ProcessorSupplier
}

export const globalStoreRule: NodeRule<GlobalStoreNode> = {
  key: 'settled',
  names: ({ name }, counter) => ({
    source: counter.name(name && `${name}-source`, 'KSTREAM-SOURCE-'),
    name: counter.name(name, 'KTABLE-SOURCE-'),
  }),
  serdes: () => ({}),
  emit({ topic, key, value, timestamp, store, supplier }, emission) {
    const { name, source = topic } = emission.names
    const { definition } = store
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
        stores: [store.name],
        supplier: userProcessor(supplier),
        isUserDefined: true,
      },
      store: { ...definition, changelogTopic: null },
    })
  },
}
