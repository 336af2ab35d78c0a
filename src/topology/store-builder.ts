import type { WithoutChangelog } from '../state/store-definition.ts'
import type { StoreReference } from './processor.ts'
import type { Logging } from './topology.ts'

/**
 * A store to be added to a topology; `S` is the interface that processors see of it. The functions of `dsl/stores.ts` make
 * them. One of these is one store, wherever it is handed to. Kafka Streams' `StoreBuilder`.
 */
export interface StoreBuilder<S = unknown> extends StoreReference<S> {
  /** What the store is. Internal: it may change with any release. */
  readonly definition: WithoutChangelog
  /** Whether its changes go to a changelog topic, or with which settings. */
  readonly changelog: Logging
}

/** A store that a processor is connected to: one that is added with it, or the name of another one. */
export type ConnectedStore = StoreBuilder | string

export const storeName = (store: ConnectedStore): string =>
  typeof store === 'string' ? store : store.name
