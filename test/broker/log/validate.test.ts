import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppendRefused } from '../../../src/broker/log/append-refused.ts'
import type { LogConfig } from '../../../src/broker/log/log-config.ts'
import { buildControlBatch } from '../../../src/protocol/control-batch.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { writeInt64 } from '../../../src/protocol/int64.ts'
import { headerBytes, stampCrc } from '../../../src/protocol/record-batch.ts'
import { batchOf } from './batches.ts'
import { append, openLog, temporaryFolder } from './log-world.ts'

/** The code with which a log refuses the batch, and that nothing came of it. */
async function refusal(batch: Buffer, config: Partial<LogConfig> = {}): Promise<number> {
  const log = await openLog(temporaryFolder(), { config })
  try {
    append(log, batch)
    return errorCode.NONE
  } catch (error) {
    if (!(error instanceof AppendRefused)) throw error
    expect(log.endOffset).toBe(0)
    expect(log.sizeInBytes).toBe(0)
    return error.errorCode
  } finally {
    await log.close()
  }
}

function changed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  change(batch)
  stampCrc(batch)
  return batch
}

describe('an append is refused', () => {
  test('when a byte of it is wrong', async () => {
    const batch = batchOf(['value'])
    batch[70] = (batch[70] ?? 0) ^ 1
    expect(await refusal(batch)).toBe(errorCode.CORRUPT_MESSAGE)
    expect(await refusal(batchOf(['value']).subarray(0, 65))).toBe(errorCode.CORRUPT_MESSAGE)
    const twoAndAHalf = Buffer.concat([batchOf(['a']), batchOf(['b']), Buffer.alloc(7)])
    expect(await refusal(twoAndAHalf)).toBe(errorCode.CORRUPT_MESSAGE)
    expect(await refusal(Buffer.alloc(0))).toBe(errorCode.INVALID_RECORD)
  })

  test('when its counts differ, when it is empty, or a control batch', async () => {
    const gap = changed(batchOf(['a', 'b']), batch => batch.writeInt32BE(7, 23))
    expect(await refusal(gap)).toBe(errorCode.INVALID_RECORD)
    const empty = changed(batchOf(['a']), batch => batch.writeInt32BE(0, 57))
    expect(await refusal(empty)).toBe(errorCode.INVALID_RECORD)
    const marker = buildControlBatch({
      type: 'commit',
      coordinatorEpoch: 0,
      producerId: 1n,
      producerEpoch: 0,
      timestamp: 0,
    })
    expect(await refusal(marker)).toBe(errorCode.INVALID_RECORD)
  })

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'when its records are not what its header says (%s)',
    async codec => {
      const records = (change: (batch: Buffer) => void): Buffer =>
        changed(batchOf(['first', 'second'], { codec }), change)
      const counted = records(batch => {
        batch.writeInt32BE(3, 57)
        batch.writeInt32BE(2, 23)
      })
      expect(await refusal(counted)).toBe(errorCode.INVALID_RECORD)
      const junk = records(batch => batch.fill(0xa5, headerBytes))
      expect(await refusal(junk)).toBe(errorCode.INVALID_RECORD)
      expect(await refusal(records(() => {}))).toBe(errorCode.NONE)
    },
  )

  test('when its records are numbered otherwise, or have unreadable headers', async () => {
    const first = headerBytes
    // Length, attributes, timestamp delta, offset delta, key length, value length, the value, headers.
    const gap = changed(batchOf(['a']), batch => batch.writeInt8(2, first + 3))
    expect(await refusal(gap)).toBe(errorCode.INVALID_RECORD)
    const headers = changed(batchOf(['a']), batch => batch.writeInt8(2, batch.length - 1))
    expect(await refusal(headers)).toBe(errorCode.INVALID_RECORD)
  })

  test('when it is too large', async () => {
    const large = batchOf(['v'.repeat(2000)])
    expect(await refusal(large, { maxMessageBytes: 1000 })).toBe(errorCode.MESSAGE_TOO_LARGE)
    expect(await refusal(large, { segmentBytes: 1000 })).toBe(errorCode.RECORD_LIST_TOO_LARGE)
    expect(await refusal(large)).toBe(errorCode.NONE)
  })

  test('when a timestamp is out of range', async () => {
    const at = (timestamp: number): Buffer => batchOf(['a'], { timestamp })
    const invalid = errorCode.INVALID_TIMESTAMP
    expect(await refusal(at(3000), { messageTimestampBeforeMaxMs: 1000 })).toBe(invalid)
    expect(await refusal(at(7000), { messageTimestampAfterMaxMs: 1000 })).toBe(invalid)
    expect(await refusal(at(-2))).toBe(invalid)
    const unsafe = changed(at(0), batch => writeInt64(batch, 2 ** 62, 35))
    expect(await refusal(unsafe)).toBe(invalid)
    expect(await refusal(at(-1))).toBe(errorCode.NONE)
    expect(await refusal(at(2 ** 50))).toBe(errorCode.NONE)
  })

  test('and nothing else happens, whatever the bytes are', async () => {
    const log = await openLog(temporaryFolder(), { config: { flush: 'os' } })
    const mutated = fc
      .tuple(fc.constant(['a', 'b', 'c']), fc.array(fc.tuple(fc.nat(100), fc.nat(255))))
      .map(([values, changes]) => {
        const batch = batchOf(values)
        for (const [at, byte] of changes) if (at < batch.length) batch[at] = byte
        // Half of them get past the checksum.
        if (changes.length % 2 === 0 && batch.readInt32BE(8) === batch.length - 12) stampCrc(batch)
        return batch
      })
    const bytes = fc.uint8Array({ maxLength: 200 }).map(array => Buffer.from(array))
    fc.assert(
      fc.property(fc.oneof(mutated, bytes), batch => {
        try {
          append(log, batch)
        } catch (error) {
          expect(error).toBeInstanceOf(AppendRefused)
        }
      }),
      { numRuns: 2000 },
    )
    await log.close()
  })
})
