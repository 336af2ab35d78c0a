/**
 * The hash by which Kafka's default partitioner places keys: murmur2 with Kafka's seed, as a signed 32-bit number.
 * Kafka: Utils.murmur2.
 */
export function murmur2(bytes: Buffer): number {
  const length = bytes.length
  let hash = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = bytes.readInt32LE(at)
    k = Math.imul(k, multiplier)
    k ^= k >>> 24
    k = Math.imul(k, multiplier)
    hash = Math.imul(hash, multiplier) ^ k
  }
  if (at < length) {
    for (let i = length - 1; i >= at; i--) hash ^= bytes.readUInt8(i) << (8 * (i - at))
    hash = Math.imul(hash, multiplier)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return hash ^ (hash >>> 15)
}

const multiplier = 0x5bd1e995

/** Partition of a key among `partitions`, as every Kafka client places it. Kafka: BuiltInPartitioner.partitionForKey. */
export function partitionForKey(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fff_ffff) % partitions
}
