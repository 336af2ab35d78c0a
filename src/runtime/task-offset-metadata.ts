import { writeInt64 } from '../protocol/int64.ts'

/**
 * The partition time rides in the metadata of a committed offset, so that it survives a restart: base64 of a magic byte 2
 * and an int64, as Kafka Streams' `TopicPartitionMetadata` has it; metadata of processors would follow.
 */
const magic = 2
const unknown = -1

export function encodePartitionTime(partitionTime: number): string {
  writeInt64(encoded, partitionTime, 1)
  return encoded.toString('base64')
}

/** The test driver commits after each record: this is used again and again. */
const encoded = Buffer.alloc(9)
encoded.writeUInt8(magic, 0)

/** -1 for anything that is not such metadata: other programs may have committed the offset. */
export function decodePartitionTime(metadata: string): number {
  const bytes = Buffer.from(metadata, 'base64')
  // Magic 1 is what Kafka Streams wrote before version 3.5.
  if (bytes.length < 9 || (bytes[0] !== magic && bytes[0] !== 1)) return unknown
  const time = Number(bytes.readBigInt64BE(1))
  return Number.isSafeInteger(time) && time >= 0 ? time : unknown
}
