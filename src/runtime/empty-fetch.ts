import type { FetchedPartition, PartitionOffset } from '../client/log-client.ts'

/** What a fetch finds where there are no records (yet): it only tells the position, and how far the partition goes. */
export function emptyFetch(position: PartitionOffset, highWatermark: number): FetchedPartition {
  return { ...position, batches: Buffer.alloc(0), nextOffset: position.offset, highWatermark }
}
