/**
 * Offsets that a transaction commits: they are in the log and count for nothing until the transaction's marker is there
 * too. Rules of `OffsetMetadataManager` (replay, replayEndTransactionMarker). The same functions serve while the
 * coordinator is at work and when it replays its log.
 */
import type { Group } from './group-state.ts'
import { type GroupOffset, type OffsetPlace, type OffsetTable, setOffset } from './offsets.ts'

/** Producer id to what its open transaction has committed. */
export type PendingOffsets = Map<bigint, OffsetTable>

export function addPending(
  group: Group,
  producerId: bigint,
  place: OffsetPlace,
  offset: GroupOffset,
): void {
  const table: OffsetTable = group.pending.get(producerId) ?? new Map()
  group.pending.set(producerId, table)
  setOffset(table, place.topic, place.partition, offset)
}

/** Whether a transaction that has not ended has committed for the partition. */
export function isPending(group: Group, topic: string, partition: number): boolean {
  for (const table of group.pending.values()) {
    if (table.get(topic)?.has(partition) === true) return true
  }
  return false
}

/** What is deleted does not come back with the end of a transaction. */
export function dropPending(group: Group, topic: string, partition: number): void {
  for (const [producerId, table] of group.pending) {
    setOffset(table, topic, partition, undefined)
    if (table.size === 0) group.pending.delete(producerId)
  }
}

/** Ends the producer's transaction: an offset counts from now on unless a later commit, outside of it, came before. */
export function endPending(group: Group, producerId: bigint, type: 'abort' | 'commit'): void {
  const table = group.pending.get(producerId)
  group.pending.delete(producerId)
  if (table === undefined || type === 'abort') return
  for (const [topic, partitions] of table) {
    for (const [partition, offset] of partitions) {
      const known = group.offsets.get(topic)?.get(partition)
      if (known === undefined || known.recordOffset < offset.recordOffset) {
        setOffset(group.offsets, topic, partition, offset)
      }
    }
  }
}
