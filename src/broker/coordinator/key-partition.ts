/**
 * Which partition of a coordinator's topic a group (or transactional id) belongs to: Java's string hash, its absolute
 * value, modulo (Kafka: `Utils.abs(groupId.hashCode) % numPartitions`).
 */
export function partitionOfKey(key: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < key.length; i++) hash = (Math.imul(31, hash) + key.charCodeAt(i)) | 0
  return (hash === -2147483648 ? 0 : Math.abs(hash)) % partitions
}
