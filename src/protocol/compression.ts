import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { lz4Compress } from '@platformatic/wasm-utils'
import { MillraceError } from '../errors.ts'
import { decompressLz4 } from './lz4.ts'
import { compressSnappy, decompressSnappy } from './snappy.ts'

/** The codecs of record batches. Kafka: CompressionType. */
export type CompressionCodec = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Their numbers in the attributes of a batch. */
export const codecIds = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

const codecs: readonly (CompressionCodec | undefined)[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The codec with this number; undefined when there is none. */
export function codecOf(id: number): CompressionCodec | undefined {
  return codecs[id]
}

/** Made here because the library cannot take empty input reliably (see `crc32c.ts`). */
const emptyLz4Frame = Buffer.from('04224d1860408200000000', 'hex')

/**
 * Compresses in the form that every Kafka client reads: LZ4 as frames, snappy in the framing of xerial. `level` is that of
 * gzip or zstd, by default the codec's own; the others have none.
 */
export function compress(codec: CompressionCodec, bytes: Buffer, level?: number): Buffer {
  switch (codec) {
    case 'gzip':
      return gzipSync(bytes, level === undefined ? {} : { level })
    case 'snappy':
      return compressSnappy(bytes)
    case 'lz4':
      return bytes.length === 0 ? emptyLz4Frame : lz4Compress(bytes)
    case 'zstd':
      return zstdCompressSync(
        bytes,
        level === undefined ? {} : { params: { [constants.ZSTD_c_compressionLevel]: level } },
      )
    default:
      return bytes
  }
}

/**
 * Decompresses at most `maxBytes`. Memory is taken as output appears, never on the word of the input, and never beyond
 * the limit. Throws PROTOCOL_ERROR when the input is not of this codec or would become larger.
 */
export function decompress(codec: CompressionCodec, bytes: Buffer, maxBytes: number): Buffer {
  try {
    switch (codec) {
      case 'gzip':
        return gunzipSync(bytes, { maxOutputLength: maxBytes })
      case 'snappy':
        return decompressSnappy(bytes, maxBytes)
      case 'lz4':
        return decompressLz4(bytes, maxBytes)
      case 'zstd':
        return zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
      default:
        return bytes
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MillraceError(
      'PROTOCOL_ERROR',
      `Cannot decompress ${bytes.length} bytes of ${codec} into at most ${maxBytes} bytes: ${reason}`,
      { cause },
    )
  }
}
