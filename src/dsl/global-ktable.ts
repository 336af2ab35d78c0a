import type { Handle, handle } from './handle.ts'

/**
 * A table of which every instance holds all rows, so that a stream can be joined with it by any key. It is read to its
 * end before anything else starts.
 */
export interface GlobalKTable<K, V> {
  readonly kind: 'GlobalKTable'
  readonly [handle]: Handle<K, V>
}
