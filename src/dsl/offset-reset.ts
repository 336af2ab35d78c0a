import type { OffsetReset } from '../topology/topology.ts'
import { toMillis } from '../windowing/duration.ts'
import type { Consumed } from './options.ts'

/** Where a source begins without a committed offset, as the nodes have it. Throws INVALID_CONFIG. */
export function resetOf<K, V>({ offsetReset }: Consumed<K, V>): OffsetReset | undefined {
  if (typeof offsetReset !== 'object') return offsetReset
  return { agoMs: toMillis(offsetReset.ago, 'The age in offsetReset') }
}
