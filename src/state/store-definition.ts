import type { Serde } from '../serde/serde.ts'

/** A store that an operator keeps. `kind` decides the interface that `ProcessorContext.store` returns. */
export interface StoreDefinition {
  readonly kind: 'timestampedKeyValue' | 'timestampedWindow'
  readonly name: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** How long a window stays readable after stream time has passed its start, in milliseconds; window stores only. */
  readonly retentionMs?: number
  /** Size of the windows in milliseconds; window stores only. */
  readonly windowSizeMs?: number
  /** Topic that holds the store's changes; null when the store is not logged. */
  readonly changelogTopic: string | null
}
