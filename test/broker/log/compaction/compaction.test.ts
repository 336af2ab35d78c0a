import { readdirSync, rmSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorCode } from '../../../../src/protocol/error-codes.ts'
import * as batch from '../../../../src/protocol/record-batch.ts'
import type { LogConfig } from '../../../../src/broker/log/log-config.ts'
import type { PartitionLog } from '../../../../src/broker/log/partition-log.ts'
import { batchOf } from '../batches.ts'
import { append, openLog, temporaryFolder } from '../log-world.ts'
import { keyedBatch, type KeyedBatchOptions, recordsOf } from './keyed-log.ts'

const config: Partial<LogConfig> = {
  isCompacted: true,
  minCleanableDirtyRatio: 0,
  segmentBytes: 400,
  indexIntervalBytes: 100,
  deleteRetentionMs: 1000,
}

const pause = (): Promise<void> => Promise.resolve()
const compact = (log: PartitionLog, now = 5000): Promise<void> => log.compact({ now, pause })

/** Appends one batch for each text like `a=1 b=2 c` (`c` a tombstone) and waits until they are durable. */
async function write(
  log: PartitionLog,
  batches: readonly string[],
  options: KeyedBatchOptions = {},
): Promise<void> {
  for (const text of batches) append(log, keyedBatch(recordsFrom(text), options))
  await log.durable(log.endOffset)
}

function recordsFrom(text: string): { key: string; value: string | null }[] {
  return text.split(' ').map(record => {
    const [key = '', value = null] = record.split('=')
    return { key, value }
  })
}

const shown = (log: PartitionLog, from = log.startOffset): string[] =>
  recordsOf(log, from).map(({ offset, key, value }) => `${offset}:${key}=${value}`)

/** Closes the active segment by filling it. */
async function fill(log: PartitionLog, key: string): Promise<void> {
  await write(log, [`${key}=${'x'.repeat(300)}`])
}

test('of each key the newest record stays, with its offset, timestamp and headers', async () => {
  await using closing = new AsyncDisposableStack()
  const log = await openLog(temporaryFolder(), { config })
  closing.defer(() => log.close())
  await write(log, ['a=1 b=1', 'a=2 c=1', 'b=2', 'a=3'])
  await fill(log, 'f')
  await fill(log, 'f')
  const before = recordsOf(log)
  await compact(log)
  expect(shown(log).slice(0, 3)).toEqual(['3:c=1', '4:b=2', '5:a=3'])
  const after = recordsOf(log)
  expect(before).toEqual(expect.arrayContaining(after))
  expect(after.map(record => record.header)).toEqual(after.map(record => record.key))
  // From every offset on, also those that are gone.
  for (let from = 0; from < log.endOffset; from++) {
    expect(recordsOf(log, from)).toEqual(after.filter(({ offset }) => offset >= from))
  }
})

test('tombstones stay until the delete horizon and go in the first round after it', async () => {
  await using closing = new AsyncDisposableStack()
  const log = await openLog(temporaryFolder(), { config })
  closing.defer(() => log.close())
  await write(log, ['a=1 b=1', 'a b=2'])
  await fill(log, 'f')
  await fill(log, 'g')
  await compact(log, 5000)
  expect(shown(log).slice(0, 2)).toEqual(['2:a=null', '3:b=2'])
  expect(recordsOf(log)[0]?.timestamp).toBe(1000)
  const kept = log.read(2, 1)
  expect(batch.recordCount(kept, 0)).toBe(2)
  expect(batch.deleteHorizon(kept, 0)).toBe(6000)
  await fill(log, 'h')
  await compact(log, 5999)
  expect(shown(log)[0]).toBe('2:a=null')
  await fill(log, 'i')
  await compact(log, 6000)
  expect(shown(log)[0]).toBe('3:b=2')
})

test('the log shrinks on disk, small segments are merged, and a restart finds the same', async () => {
  const folder = temporaryFolder()
  const log = await openLog(folder, { config })
  for (let n = 0; n < 100; n++) await write(log, [`a=${n} b=${n}`])
  const before = log.sizeInBytes
  await compact(log)
  // What became small is merged in the next round.
  for (let n = 100; n < 105; n++) await write(log, [`a=${n} b=${n}`])
  await compact(log)
  expect(log.sizeInBytes).toBeLessThan(before / 10)
  const expected = recordsOf(log)
  expect(expected.at(-1)).toMatchObject({ offset: 209, key: 'b', value: '104' })
  await log.close()
  const again = await openLog(folder, { config })
  expect(recordsOf(again)).toEqual(expected)
  expect(again.endOffset).toBe(210)
  expect(append(again, keyedBatch([{ key: 'a', value: 'new' }]))).toMatchObject({ baseOffset: 210 })
  await again.close()
})

test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
  '%s batches keep their codec',
  async codec => {
    await using closing = new AsyncDisposableStack()
    const log = await openLog(temporaryFolder(), { config })
    closing.defer(() => log.close())
    await write(log, ['a=1 b=1 c=1', 'a=2'], { codec })
    await fill(log, 'f')
    await fill(log, 'g')
    await compact(log)
    expect(shown(log).slice(0, 3)).toEqual(['1:b=1', '2:c=1', '3:a=2'])
    const kept = log.read(0, 1)
    expect(batch.codecId(kept)).not.toBe(0)
    expect(batch.lastOffsetDelta(kept)).toBe(2)
    expect(batch.recordCount(kept)).toBe(2)
  },
)

describe('what may be compacted', () => {
  const overwritten = ['a=1', 'a=2', 'a=3', `f=${'x'.repeat(300)}`, `f=${'y'.repeat(300)}`]

  test.each<[string, Partial<LogConfig>, boolean]>([
    ['nothing of a log that is not compacted', { isCompacted: false }, false],
    ['nothing younger than min.compaction.lag.ms', { minCompactionLagMs: 4500 }, false],
    ['what is older than it', { minCompactionLagMs: 3900 }, true],
    ['everything when no record was compacted yet', { minCleanableDirtyRatio: 0.5 }, true],
    ['nothing when the ratio can never be reached', { minCleanableDirtyRatio: 1 }, false],
    [
      'what waits longer than max.compaction.lag.ms, whatever the ratio',
      { minCleanableDirtyRatio: 1, maxCompactionLagMs: 3900 },
      true,
    ],
  ])('%s', async (_, settings, isCompacted) => {
    await using closing = new AsyncDisposableStack()
    const log = await openLog(temporaryFolder(), { config: { ...config, ...settings } })
    closing.defer(() => log.close())
    await write(log, overwritten)
    await compact(log)
    expect(shown(log)[0]).toBe(isCompacted ? '2:a=3' : '0:a=1')
  })

  test('the active segment once it has waited too long', async () => {
    await using closing = new AsyncDisposableStack()
    const log = await openLog(temporaryFolder(), { config: { ...config, maxCompactionLagMs: 100 } })
    closing.defer(() => log.close())
    await write(log, ['a=1', 'a=2', 'b=1'])
    await compact(log)
    // The last batch of a log stays in any case.
    expect(shown(log)).toEqual(['1:a=2', '2:b=1'])
  })

  test('more keys than there is memory for, in several passes', async () => {
    await using closing = new AsyncDisposableStack()
    const log = await openLog(temporaryFolder(), { config })
    closing.defer(() => log.close())
    for (const round of [1, 2]) {
      for (let n = 0; n < 30; n++) await write(log, [`k${n}=${round}`])
    }
    await fill(log, 'f')
    await log.compact({ now: 5000, pause, offsetMapBytes: 300 })
    const keys = recordsOf(log).map(record => record.key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys).toHaveLength(31)
  })
})

test('a producer goes on after compaction and a restart without snapshots', async () => {
  const folder = temporaryFolder()
  const log = await openLog(folder, { config })
  for (let sequence = 0; sequence < 6; sequence++) {
    await write(log, [`a=${sequence}`], { producer: { id: 7n, sequence } })
  }
  await fill(log, 'a')
  await fill(log, 'f')
  await compact(log)
  expect(shown(log)[0]).toMatch(/^6:a=x/)
  await log.close()
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.snapshot')) rmSync(`${folder}/${name}`)
  }
  const again = await openLog(folder, { config })
  const last = keyedBatch([{ key: 'a', value: '5' }], { producer: { id: 7n, sequence: 5 } })
  expect(append(again, last)).toMatchObject({ baseOffset: 5, duplicate: true })
  const gap = keyedBatch([{ key: 'a', value: '7' }], { producer: { id: 7n, sequence: 7 } })
  expect(() => append(again, gap)).toThrow(/OUT_OF_ORDER_SEQUENCE_NUMBER/)
  await write(again, ['a=6'], { producer: { id: 7n, sequence: 6 } })
  await again.close()
})

test('records without a key are refused, and removed where they are older than the setting', async () => {
  const folder = temporaryFolder()
  const log = await openLog(folder, { config: { ...config, isCompacted: false } })
  append(log, batchOf(['no key']))
  await write(log, ['a=1'])
  await fill(log, 'f')
  await fill(log, 'g')
  await log.close()
  const compacted = await openLog(folder, { config })
  expect(() => append(compacted, batchOf(['no key']))).toThrow(
    expect.objectContaining({ errorCode: errorCode.INVALID_RECORD }),
  )
  await compact(compacted)
  expect(shown(compacted)[0]).toBe('1:a=1')
  await compacted.close()
})

test('readers and writers go on in the pauses, and closing ends the round', async () => {
  const folder = temporaryFolder()
  const log = await openLog(folder, { config })
  for (let n = 0; n < 40; n++) await write(log, [`a=${n}`, `b=${n}`])
  const table = { a: '39', b: '39' }
  let pauses = 0
  await log.compact({
    now: 5000,
    async pause() {
      await Promise.resolve()
      if (pauses++ % 5 !== 0) return
      const found = recordsOf(log)
      expect(found.findLast(record => record.key === 'a')?.value).toBe(table.a)
      table.a = `pause ${pauses}`
      append(log, keyedBatch([{ key: 'a', value: table.a }]))
      await log.durable(log.endOffset)
    },
  })
  expect(pauses).toBeGreaterThan(5)
  for (let n = 0; n < 10; n++) await fill(log, 'c')
  let closing: Promise<void> | undefined
  await log.compact({
    now: 5000,
    async pause() {
      await Promise.resolve()
      closing ??= log.close()
    },
  })
  await closing
  const again = await openLog(folder, { config })
  const found = recordsOf(again)
  expect(found.findLast(record => record.key === 'a')?.value).toBe(table.a)
  expect(found.findLast(record => record.key === 'b')?.value).toBe(table.b)
  await again.close()
})
