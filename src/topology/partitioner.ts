import { partitionForKey } from '../protocol/murmur2.ts'
import type { Serde } from '../serde/serde.ts'
import { WindowedSerde } from '../serde/windowed.ts'
import type { Partitioner } from './topology.ts'

/**
 * The partitioner of a sink: the one given; for the keys of a windowed table one by the key without its window, so that
 * all windows of a key are in one partition (`WindowedStreamPartitioner`); else none, which means by the key's bytes.
 */
export function partitionerFor(
  key: Serde<unknown>,
  given: Partitioner | undefined,
): { partitioner?: Partitioner } {
  if (given !== undefined) return { partitioner: given }
  if (!(key instanceof WindowedSerde)) return {}
  return { partitioner: byKeyOfWindow(key) }
}

function byKeyOfWindow({ key: serde }: WindowedSerde<unknown>): Partitioner {
  return ({ key }: { key: unknown }, _, partitions) =>
    partitionForKey(serde.serialize(key), partitions)
}
