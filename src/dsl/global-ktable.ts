import type { Handle, handle } from './handle.ts'

/**
 * A table of which every instance holds all rows, so that a stream can be joined with it by any key. It is read to its
 * end before anything else starts.
 */
export interface GlobalKTable<K, V> {
  readonly kind: 'GlobalKTable'
  /** Name of the store by which the table can be queried; undefined if none was given. Kafka Streams' method of that name. */
  readonly queryableStoreName: string | undefined
  readonly [handle]: Handle<K, V>
}
