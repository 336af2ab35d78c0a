import type { TopicPartition } from '../client/log-client.ts'

/** A key for maps over partitions, unique because the partition is what follows the last hyphen. */
export function partitionName({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
