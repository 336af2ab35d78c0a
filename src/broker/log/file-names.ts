import path from 'node:path'

/** Names of the files in a partition's folder. Those of Apache Kafka, but for the last. */
export type SegmentFile = 'log' | 'index' | 'timeindex' | 'txnindex' | 'snapshot'

export const leaderEpochFile = 'leader-epoch-checkpoint'
export const metadataFile = 'partition.metadata'
export const checkpointFile = 'partition.checkpoint'

/** Path of the segment file whose first offset is `offset`; for a snapshot, of the state just before `offset`. */
export function segmentPath(folder: string, offset: number, kind: SegmentFile): string {
  return path.join(folder, `${String(offset).padStart(20, '0')}.${kind}`)
}

/** Offsets in the names of all files of that kind, ascending. */
export function offsetsOf(names: readonly string[], kind: SegmentFile): number[] {
  return names
    .filter(name => name.length === 21 + kind.length && name.endsWith(`.${kind}`))
    .map(name => (/^\d{20}$/.test(name.slice(0, 20)) ? Number(name.slice(0, 20)) : -1))
    .filter(offset => offset >= 0)
    .sort((a, b) => a - b)
}
