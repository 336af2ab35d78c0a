import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MillraceError } from '../../src/errors.ts'
import { crc32c } from '../../src/protocol/crc32c.ts'
import { codecIds } from '../../src/protocol/compression.ts'
import { buildControlBatch, readControlRecord } from '../../src/protocol/control-batch.ts'
import * as batch from '../../src/protocol/record-batch.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { batchFixtures } from './fixtures.ts'
import { build, readAll, someRecords } from './records.ts'
import { hex } from './hex.ts'

const codec = fc.constantFrom('none', 'gzip', 'snappy', 'lz4', 'zstd')

describe('builder and reader', () => {
  test('records come back as they were, through any codec', () => {
    fc.assert(
      fc.property(someRecords, codec, fc.nat(2 ** 40), (records, codec, baseOffset) => {
        const bytes = build(records, { codec, baseOffset })
        expect(batch.checkBatch(bytes)).toBeNull()
        expect(readAll(bytes)).toEqual(
          records.map((record, i) => ({ ...record, offset: baseOffset + i })),
        )
      }),
      { numRuns: 300 },
    )
  })

  test('the header says what is inside', () => {
    fc.assert(
      fc.property(someRecords, codec, (records, codec) => {
        const bytes = build(records, { codec, baseOffset: 7 })
        const timestamps = records.map(record => record.timestamp)
        expect(batch.sizeInBytes(bytes)).toBe(bytes.length)
        expect(batch.baseOffset(bytes)).toBe(7)
        expect(batch.nextOffset(bytes)).toBe(7 + records.length)
        expect(batch.partitionLeaderEpoch(bytes)).toBe(-1)
        expect(batch.magic(bytes)).toBe(2)
        expect(batch.attributes(bytes)).toBe(codecIds[codec])
        expect(batch.lastOffsetDelta(bytes)).toBe(records.length - 1)
        expect(batch.baseTimestamp(bytes)).toBe(timestamps[0])
        expect(batch.maxTimestamp(bytes)).toBe(Math.max(...timestamps))
        expect(batch.producerId(bytes)).toBe(-1n)
        expect(batch.producerEpoch(bytes)).toBe(-1)
        expect(batch.baseSequence(bytes)).toBe(-1)
        expect(batch.recordCount(bytes)).toBe(records.length)
        expect(batch.crc(bytes)).toBe(crc32c(bytes.subarray(21)))
      }),
      { numRuns: 100 },
    )
  })

  test('the size is known while appending', () => {
    fc.assert(
      fc.property(someRecords, records => {
        const builder = new RecordBatchBuilder(61)
        for (const { key, value, timestamp, headers } of records) {
          builder.append(key, value, timestamp, headers)
        }
        expect(builder.recordCount).toBe(records.length)
        expect(builder.build().length).toBe(builder.sizeInBytes)
      }),
    )
  })

  test('a builder can be used again, and what it built stays', () => {
    const builder = new RecordBatchBuilder()
    builder.append(null, Buffer.from('first'), 100, [])
    const first = builder.build()
    builder.reset()
    builder.append(null, Buffer.from('second'), 5, [])
    expect(readAll(first).map(r => r.value?.toString())).toEqual(['first'])
    expect(readAll(builder.build())).toMatchObject([{ offset: 0, timestamp: 5 }])
  })
})

describe('reader', () => {
  const two = Buffer.concat([
    build([record('a', 10), record('b', 11)], { baseOffset: 100 }),
    build([record('c', 12)], { codec: 'lz4', baseOffset: 102 }),
  ])

  test('goes through batches that follow each other', () => {
    expect(readAll(two).map(r => [r.offset, r.value?.toString()])).toEqual([
      [100, 'a'],
      [101, 'b'],
      [102, 'c'],
    ])
    expect(batch.wholeBatchesLength(two)).toBe(two.length)
  })

  test('leaves an incomplete batch at the end alone', () => {
    const first = batch.sizeInBytes(two)
    for (let length = first; length < two.length; length++) {
      expect(readAll(two.subarray(0, length)).length).toBe(2)
      expect(batch.wholeBatchesLength(two.subarray(0, length))).toBe(first)
    }
    for (let length = 0; length < first; length++) {
      expect(readAll(two.subarray(0, length))).toEqual([])
    }
  })

  test('passes over batches without records, which compaction leaves', () => {
    const empty = Buffer.from(two.subarray(0, batch.headerBytes))
    empty.writeInt32BE(batch.headerBytes - 12, 8)
    empty.writeInt32BE(0, 57)
    batch.stampCrc(empty)
    expect(batch.checkBatch(empty)).toBeNull()
    expect(readAll(Buffer.concat([empty, two])).length).toBe(3)
  })

  test('takes the broker time where the batch says so', () => {
    const bytes = build([record('a', 10), record('b', 11)], {})
    batch.stampLogAppendTime(bytes, 5000)
    expect(batch.checkBatch(bytes)).toBeNull()
    expect(batch.isLogAppendTime(bytes)).toBe(true)
    expect(readAll(bytes).map(r => r.timestamp)).toEqual([5000, 5000])
  })

  test('refuses a batch larger than allowed', () => {
    const bomb = build([record('x'.repeat(1 << 20), 1)], { codec: 'gzip' })
    const reader = new RecordReader({ maxDecompressedBytes: 1000 })
    reader.reset(bomb)
    expect(() => reader.next()).toThrow(/offset 0 is damaged: Cannot decompress .* at most 1000/)
  })

  test('notices damage anywhere behind the leader epoch', () => {
    const bytes = build([record('a', 10), record('b', 11)], {})
    for (let at = 16; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] ?? 0) ^ 0x10
      expect(batch.checkBatch(damaged)).not.toBeNull()
      expect(() => readAll(damaged)).toThrow(/damaged/)
    }
  })

  test('survives any damage when checksums are not compared', () => {
    const bytes = build([record('a', 10), record('bb', 11), record('ccc', 9)], {})
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1 })
    fc.assert(
      fc.property(damage, changes => {
        const damaged = Buffer.from(bytes)
        for (const [at, byte] of changes) damaged[at] = byte
        try {
          readAll(damaged, { checkCrc: false, maxDecompressedBytes: 1 << 16 })
        } catch (error) {
          expect(error).toBeInstanceOf(MillraceError)
          expect(error).toHaveProperty('code', 'CORRUPT_DATA')
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('header', () => {
  test('offsets and epochs are stamped without touching the checksum', () => {
    const bytes = build([record('a', 10)], {})
    batch.setBaseOffset(bytes, 2 ** 40 + 5)
    batch.setPartitionLeaderEpoch(bytes, 9)
    expect(batch.checkBatch(bytes)).toBeNull()
    expect(readAll(bytes)).toMatchObject([{ offset: 2 ** 40 + 5 }])
    expect(batch.partitionLeaderEpoch(bytes)).toBe(9)
  })

  test('a producer is stamped with the checksum', () => {
    const bytes = Buffer.concat([build([record('a', 1)], {}), build([record('b', 2)], {})])
    const at = batch.sizeInBytes(bytes)
    const stamp = { producerId: 2n ** 62n, producerEpoch: 3, baseSequence: 17 }
    batch.stampProducer(bytes, { ...stamp, isTransactional: true }, at)
    expect(batch.checkBatch(bytes, at)).toBeNull()
    expect(batch.producerId(bytes, at)).toBe(2n ** 62n)
    expect(batch.producerEpoch(bytes, at)).toBe(3)
    expect(batch.baseSequence(bytes, at)).toBe(17)
    expect(batch.isTransactional(bytes, at)).toBe(true)
    expect(batch.isTransactional(bytes)).toBe(false)
    batch.stampProducer(bytes, stamp, at)
    expect(batch.isTransactional(bytes, at)).toBe(false)
  })

  test('problems are told apart', () => {
    const good = build([record('a', 10)], {})
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(good)
      change(bytes)
      return batch.checkBatch(bytes)?.kind
    }
    expect(batch.checkBatch(good.subarray(0, 11))?.kind).toBe('incomplete')
    expect(batch.checkBatch(good.subarray(0, -1))?.kind).toBe('incomplete')
    expect(changed(b => b.writeInt32BE(-5, 8))).toBe('size')
    expect(changed(b => b.writeInt8(1, 16))).toBe('magic')
    expect(changed(b => b.writeInt8(1, 30))).toBe('crc')
    expect(changed(b => (b.writeInt32BE(2, 57), batch.stampCrc(b)))).toBe('count')
    expect(changed(b => b.writeInt32BE(-1, 0))).toBe('count')
  })
})

describe('control batches', () => {
  test.each(['abort', 'commit'] as const)('%s', type => {
    const bytes = buildControlBatch({
      type,
      coordinatorEpoch: 12,
      producerId: 4711n,
      producerEpoch: 3,
      timestamp: 1_700_000_000_000,
    })
    expect(batch.checkBatch(bytes)).toBeNull()
    const reader = new RecordReader()
    reader.reset(bytes)
    expect(reader.next()).toBe(true)
    expect(reader).toMatchObject({ isControl: true, isTransactional: true, producerId: 4711n })
    expect(readControlRecord(reader.key, reader.value)).toEqual({ type, coordinatorEpoch: 12 })
    expect(reader.next()).toBe(false)
  })

  test('the bytes of a marker do not change', () => {
    const bytes = buildControlBatch({
      type: 'commit',
      coordinatorEpoch: 5,
      producerId: 1000n,
      producerEpoch: 2,
      timestamp: 1_700_000_000_000,
      partitionLeaderEpoch: 4,
    })
    const header =
      hex('0000000000000000 00000042 00000004 02') +
      bytes.toString('hex', 17, 21) +
      hex('0030 00000000 0000018bcfe56800 0000018bcfe56800 00000000000003e8 0002 ffffffff 00000001')
    // length 16, attributes, deltas, key of 4: version 0 type 1, value of 6: version 0 epoch 5, no headers
    const record = hex('20 00 00 00 08 00000001 0c 000000000005 00')
    expect(bytes.toString('hex')).toBe(header + record)
  })

  test('other types and other records say nothing', () => {
    expect(readControlRecord(Buffer.from('00000004', 'hex'), Buffer.alloc(6))).toBeNull()
    expect(readControlRecord(null, null)).toBeNull()
    expect(readControlRecord(Buffer.alloc(3), Buffer.alloc(6))).toBeNull()
  })
})

test.each(batchFixtures)('a batch of @platformatic/kafka in $codec is read', ({ bytes }) => {
  expect(batch.checkBatch(bytes)).toBeNull()
  const header = (key: string, value: string) => ({ key, value: Buffer.from(value) })
  expect(readAll(bytes)).toEqual([
    full(0, 'key-1', 'value-1', 1_700_000_000_000, []),
    full(1, null, 'no key', 1_700_000_000_001, []),
    full(2, 'no value', null, 1_699_999_999_999, []),
    full(3, 'key-4', 'repeat '.repeat(300), 1_700_000_300_000, [header('trace', 'id-1')]),
  ])
  expect(batch.producerId(bytes)).toBe(4711n)
  expect(batch.producerEpoch(bytes)).toBe(3)
})

function record(value: string, timestamp: number) {
  return { key: null, value: Buffer.from(value), timestamp, headers: [] }
}

function full(
  offset: number,
  key: string | null,
  value: string | null,
  timestamp: number,
  headers: unknown[],
) {
  const bytes = (text: string | null) => (text === null ? null : Buffer.from(text))
  return { offset, key: bytes(key), value: bytes(value), timestamp, headers }
}
