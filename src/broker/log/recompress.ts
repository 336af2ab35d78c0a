import { codecIds, codecOf, compress, decompress } from '../../protocol/compression.ts'
import * as batch from '../../protocol/record-batch.ts'
import type { LogConfig } from './log-config.ts'
import { maxDecompressedBytes } from './validate-records.ts'
import { validateSizes } from './validate.ts'

/**
 * The batches in the codec that the topic is kept in: the same bytes where they are in it already, whatever their level, and
 * always with `compression.type=producer`. They must have passed `validateRecords`. Throws `AppendRefused` when they become
 * too large. `where` names the partition. (Kafka: LogValidator, UnifiedLog.append.)
 */
export function recompress(batches: Buffer, config: LogConfig, where: string): Buffer {
  if (config.compressionType === 'producer') return batches
  const target = codecIds[config.compressionType]
  let isChanged = false
  const kept: Buffer[] = []
  for (let at = 0; at < batches.length; at += batch.sizeInBytes(batches, at)) {
    const one = batches.subarray(at, at + batch.sizeInBytes(batches, at))
    const isOther = batch.codecId(one) !== target
    isChanged ||= isOther
    kept.push(isOther ? inCodec(one, config) : one)
  }
  if (!isChanged) return batches
  const recompressed = Buffer.concat(kept)
  validateSizes(recompressed, config, where)
  return recompressed
}

function inCodec(one: Buffer, config: LogConfig): Buffer {
  const codec = config.compressionType === 'producer' ? 'none' : config.compressionType
  const records = decompress(
    codecOf(batch.codecId(one)) ?? 'none',
    one.subarray(batch.headerBytes),
    maxDecompressedBytes(config),
  )
  const content = compress(codec, records, config.compressionLevel)
  const recompressed = Buffer.concat([one.subarray(0, batch.headerBytes), content])
  batch.setCodec(recompressed, codecIds[codec])
  return recompressed
}
