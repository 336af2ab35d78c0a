import type { NodeRule } from '../compile/rule.ts'
import type { StoreBuilder } from '../store-builder.ts'
import type { NodeBase } from './node.ts'

/** `StreamsBuilder.addStateStore`: a store that is there once a processor is connected to it. */
export interface StateStoreNode extends NodeBase<'stateStore'> {
  readonly store: StoreBuilder
}

export const stateStoreRule: NodeRule<StateStoreNode> = {
  key: 'settled',
  names: ({ store }) => ({ name: store.name }),
  serdes: () => ({}),
  emit: ({ store }, emission) => emission.addStore(store),
}
