/** Topics that keep their batches in a codec of their own, whatever producers send. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogConfig } from '../../../src/broker/log/log-config.ts'
import { recompress } from '../../../src/broker/log/recompress.ts'
import { codecIds, type CompressionCodec } from '../../../src/protocol/compression.ts'
import { defaultLogConfig } from '../../../src/broker/log/log-config.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import * as batch from '../../../src/protocol/record-batch.ts'
import { batchOf, recordsIn } from './batches.ts'
import { append, openLog, readAll, temporaryFolder } from './log-world.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const producer = { id: 7n, epoch: 2, sequence: 5 }
const configWith = (config: Partial<LogConfig>): LogConfig => ({ ...defaultLogConfig, ...config })

test('what is kept has the codec of the topic, the same records, and the rest of the header', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string(), { minLength: 1, maxLength: 20 }),
      fc.constantFrom(...codecs),
      fc.constantFrom(...codecs),
      fc.boolean(),
      (values, codec, compressionType, isTransactional) => {
        const sent = batchOf(values, { codec, producer, isTransactional, timestamp: 77 })
        const before = Buffer.from(sent)
        const kept = recompress(sent, configWith({ compressionType }), 't-0')
        expect(sent).toEqual(before)
        expect(batch.checkBatch(kept)).toBeNull()
        expect(batch.sizeInBytes(kept)).toBe(kept.length)
        expect(batch.codecId(kept)).toBe(codecIds[compressionType])
        expect(recordsIn(kept)).toEqual(recordsIn(before))
        // From the last offset delta to the count of records.
        expect(kept.subarray(23, batch.headerBytes)).toEqual(before.subarray(23, batch.headerBytes))
        expect(batch.isTransactional(kept)).toBe(isTransactional)
        if (codec === compressionType) expect(kept).toBe(sent)
      },
    ),
  )
})

test('with the codec of the producer nothing is looked at', () => {
  const sent = batchOf(['a'], { codec: 'gzip' })
  expect(recompress(sent, defaultLogConfig, 't-0')).toBe(sent)
})

test('only the batches in another codec are compressed anew', () => {
  const sent = Buffer.concat([batchOf(['a'], { codec: 'gzip' }), batchOf(['b', 'c'])])
  const kept = recompress(sent, configWith({ compressionType: 'gzip' }), 't-0')
  const first = batch.sizeInBytes(kept)
  expect(kept.subarray(0, first)).toEqual(sent.subarray(0, first))
  expect(batch.codecId(kept, first)).toBe(codecIds.gzip)
  expect(first + batch.sizeInBytes(kept, first)).toBe(kept.length)
})

test.each([
  ['gzip', 1, 9],
  ['zstd', -5, 19],
] as const)('a higher level of %s makes less of it', (compressionType, fast, thorough) => {
  const words = Array.from({ length: 400 }, (_, n) => `flight ${n * 7919} of ${n % 13} to ${n * n}`)
  const size = (compressionLevel: number): number =>
    recompress(batchOf(words), configWith({ compressionType, compressionLevel }), 't-0').length
  expect(size(thorough)).toBeLessThan(size(fast))
})

describe('a log', () => {
  test('knows a repeated batch again, and restarts', async () => {
    const folder = temporaryFolder()
    const config = { compressionType: 'zstd', flush: 'os' } as const
    const log = await openLog(folder, { config })
    const send = (codec: CompressionCodec): object => {
      const sent = batchOf(['a', 'b'], { codec, producer: { ...producer, sequence: 0 } })
      return log.append(sent, { leaderEpoch: 0, assignOffsets: true })
    }
    expect(send('gzip')).toMatchObject({ baseOffset: 0, duplicate: false })
    expect(send('none')).toMatchObject({ baseOffset: 0, duplicate: true })
    append(log, batchOf(['c']))
    await log.close()
    const again = await openLog(folder, { config })
    expect(readAll(again)).toEqual(['0:a', '1:b', '2:c'])
    expect(batch.codecId(again.read(2, 1000))).toBe(codecIds.zstd)
    await again.close()
  })

  test('stamps its own time into what it compresses anew', async () => {
    const config = { compressionType: 'lz4', messageTimestampType: 'LogAppendTime' } as const
    const log = await openLog(temporaryFolder(), { config: { ...config, flush: 'os' } })
    append(log, batchOf(['a'], { timestamp: 1 }))
    const kept = log.read(0, 1000)
    expect(batch.checkBatch(kept)).toBeNull()
    expect(batch.maxTimestamp(kept)).toBe(5000)
    await log.close()
  })

  test('refuses what becomes too large, and is as before', async () => {
    const config = { compressionType: 'none', maxMessageBytes: 1000, flush: 'os' } as const
    const log = await openLog(temporaryFolder(), { config })
    expect(() => append(log, batchOf(['x'.repeat(5000)], { codec: 'gzip' }))).toThrow(
      expect.objectContaining({ errorCode: errorCode.MESSAGE_TOO_LARGE }),
    )
    expect(append(log, batchOf(['small'], { codec: 'gzip' }))).toMatchObject({ baseOffset: 0 })
    await log.close()
  })
})
