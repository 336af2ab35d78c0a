import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeSnapshot, encodeSnapshot } from '../../../src/broker/log/producer-snapshot.ts'
import { ProducerState } from '../../../src/broker/log/producer-state.ts'
import { setBaseOffset } from '../../../src/protocol/record-batch.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { batchOf } from './batches.ts'
import { append, openLog, temporaryFolder } from './log-world.ts'

const send = (sequence: number, epoch = 0, count = 1): Buffer =>
  batchOf(
    Array.from({ length: count }, (_, n) => `${sequence + n}`),
    { producer: { id: 77n, epoch, sequence } },
  )

describe('an idempotent producer', () => {
  test('gets the offsets of the first time for each of its last five batches', async () => {
    const log = await openLog(temporaryFolder(), { config: { flush: 'os' } })
    for (let n = 0; n < 7; n++) append(log, send(n))
    for (let n = 2; n < 7; n++) {
      expect(append(log, send(n))).toMatchObject({ baseOffset: n, duplicate: true })
    }
    expect(log.endOffset).toBe(7)
    expect(() => append(log, send(1))).toThrow(
      expect.objectContaining({ errorCode: errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }),
    )
    await log.close()
  })

  test('is refused with a gap, an old epoch, or a new epoch that does not begin at 0', async () => {
    const log = await openLog(temporaryFolder(), { config: { flush: 'os' } })
    append(log, send(0, 1, 3))
    const outOfOrder = { errorCode: errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER }
    expect(() => append(log, send(4, 1))).toThrow(expect.objectContaining(outOfOrder))
    expect(() => append(log, send(2, 1))).toThrow(expect.objectContaining(outOfOrder))
    expect(() => append(log, send(1, 2))).toThrow(expect.objectContaining(outOfOrder))
    expect(() => append(log, send(3, 0))).toThrow(
      expect.objectContaining({ errorCode: errorCode.INVALID_PRODUCER_EPOCH }),
    )
    expect(append(log, send(0, 2))).toMatchObject({ baseOffset: 3 })
    await log.close()
  })

  test('that nothing is known of may begin anywhere, and its sequence wraps to 0', async () => {
    const log = await openLog(temporaryFolder(), { config: { flush: 'os' } })
    const last = 0x7fff_ffff
    append(log, batchOf(['a', 'b', 'c'], { producer: { id: 77n, epoch: 0, sequence: last - 1 } }))
    expect(append(log, send(1))).toMatchObject({ baseOffset: 3 })
    await log.close()
  })

  test('is known after the log was closed, and forgotten when it was idle for too long', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder)
    append(log, send(0))
    append(log, send(1))
    await log.close()
    const again = await openLog(folder)
    for (const n of [0, 1]) {
      expect(append(again, send(n))).toMatchObject({ baseOffset: n, duplicate: true })
    }
    expect(() => append(again, send(5))).toThrow(/a batch before it is missing/)
    await again.applyRetention(5000 + 86_400_001)
    expect(append(again, send(5))).toMatchObject({ baseOffset: 2, duplicate: false })
    await again.close()
  })

  test('sends one batch at a time', async () => {
    const log = await openLog(temporaryFolder())
    expect(() => append(log, Buffer.concat([send(0), send(1)]))).toThrow(/must be one batch/)
    await log.close()
  })
})

describe('a producer snapshot', () => {
  test('is what was encoded', () => {
    const entry = fc.record({
      id: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
      epoch: fc.integer({ min: 0, max: 32767 }),
      sequence: fc.integer({ min: 0, max: 0x7fff_ffff }),
      count: fc.integer({ min: 1, max: 4 }),
      offset: fc.nat(2 ** 50),
    })
    fc.assert(
      fc.property(fc.array(entry), fc.nat(2 ** 45), (entries, now) => {
        const state = new ProducerState()
        for (const { id, epoch, sequence, count, offset } of entries) {
          const values = Array.from({ length: count }, () => '')
          const batch = batchOf(values, { producer: { id, epoch, sequence } })
          setBaseOffset(batch, offset)
          state.update(batch, 0, now)
        }
        expect(decodeSnapshot(encodeSnapshot(state))).toEqual([...state.entries])
      }),
    )
  })

  test('has the bytes that Apache Kafka writes', () => {
    const state = new ProducerState()
    const batch = batchOf(['a', 'b'], { producer: { id: 4001n, epoch: 3, sequence: 10 } })
    setBaseOffset(batch, 100)
    state.update(batch, 0, 1_700_000_000_000)
    const bytes = encodeSnapshot(state)
    expect(bytes.toString('hex').replace(/^(.{4})(.{8})(.*)$/, '$1 crc $3')).toBe(
      '0001 crc 00000001' +
        '0000000000000fa1' + // producer id
        '0003' + // epoch
        '0000000b' + // last sequence
        '0000000000000065' + // last offset
        '00000001' + // offset delta
        '0000018bcfe56800' + // timestamp
        'ffffffff' + // coordinator epoch
        'ffffffffffffffff', // first offset of the open transaction
    )
  })
})
