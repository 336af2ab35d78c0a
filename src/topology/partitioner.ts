import { partitionForKey } from '../protocol/murmur2.ts'
import type { Serde } from '../serde/serde.ts'
import { type KeyInWindowSerde, SessionWindowedSerde, WindowedSerde } from '../serde/windowed.ts'
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
  const isInWindow = key instanceof WindowedSerde || key instanceof SessionWindowedSerde
  return isInWindow ? { partitioner: byKeyOfWindow(key) } : {}
}

function byKeyOfWindow({ key: serde }: KeyInWindowSerde<unknown>): Partitioner {
  return ({ key }: { key: unknown }, _, partitions) =>
    partitionForKey(serde.serialize(key), partitions)
}
