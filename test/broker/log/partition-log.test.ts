import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { batchOf, recordsIn } from './batches.ts'
import { append, openLog, readAll, temporaryFolder } from './log-world.ts'
import { isLogAppendTime, maxTimestamp } from '../../../src/protocol/record-batch.ts'

describe('append and read', () => {
  test('what was appended is read back with its offsets once it is durable', async () => {
    const log = await openLog(temporaryFolder())
    expect(append(log, batchOf(['a', 'b']))).toMatchObject({ baseOffset: 0, lastOffset: 1 })
    expect(append(log, batchOf(['c']))).toMatchObject({ baseOffset: 2, lastOffset: 2 })
    expect(log.endOffset).toBe(3)
    expect(readAll(log)).toEqual([])
    await log.durable(3)
    expect(log.highWatermark).toBe(3)
    expect(readAll(log)).toEqual(['0:a', '1:b', '2:c'])
    await log.close()
  })

  test('a closed log is as it was when it is opened again', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder)
    for (let n = 0; n < 100; n++) append(log, batchOf([`value ${n}`]))
    await log.close()
    const again = await openLog(folder)
    expect(again.highWatermark).toBe(100)
    expect(readAll(again)).toEqual(Array.from({ length: 100 }, (_, n) => `${n}:value ${n}`))
    await again.close()
    expect(fs.readdirSync(folder).sort()).toEqual([
      '00000000000000000000.index',
      '00000000000000000000.log',
      '00000000000000000000.timeindex',
      '00000000000000000100.snapshot',
      'leader-epoch-checkpoint',
      'partition.checkpoint',
      'partition.metadata',
    ])
    expect(fs.readFileSync(path.join(folder, 'leader-epoch-checkpoint'), 'utf8')).toBe(
      '0\n1\n0 0\n',
    )
  })

  test('segments roll by size and all of them are read', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder, { config: { segmentBytes: 1000, flush: 'os' } })
    const expected = Array.from({ length: 200 }, (_, n) => `${n}:value ${n}`)
    for (let n = 0; n < 200; n++) append(log, batchOf([`value ${n}`]))
    expect(readAll(log)).toEqual(expected)
    await log.close()
    expect(fs.readdirSync(folder).filter(name => name.endsWith('.log')).length).toBeGreaterThan(10)
    const again = await openLog(folder)
    expect(readAll(again)).toEqual(expected)
    await again.close()
  })
})

describe('reading', () => {
  test('gives at least one batch, then as many as fit, and none beyond the bound', async () => {
    const log = await openLog(temporaryFolder(), { config: { flush: 'os' } })
    for (const value of ['a', 'b', 'c', 'd']) append(log, batchOf([value.repeat(100), value]))
    const size = log.sizeInBytes / 4
    const first = (batches: Buffer): string[] =>
      recordsIn(batches).map(record => record.slice(0, 3))
    expect(first(log.read(0, 1))).toEqual(['0:a', '1:a'])
    expect(first(log.read(3, 1))).toEqual(['2:b', '3:b'])
    expect(first(log.read(2, 2 * size))).toEqual(['2:b', '3:b', '4:c', '5:c'])
    expect(first(log.read(2, 2 * size - 1))).toEqual(['2:b', '3:b'])
    expect(first(log.read(2, 9 * size, { upTo: 6 }))).toEqual(['2:b', '3:b', '4:c', '5:c'])
    expect(first(log.read(2, 9 * size, { upTo: 5 }))).toEqual(['2:b', '3:b'])
    expect(log.read(8, 100).length).toBe(0)
    expect(() => log.read(9, 100)).toThrow(/OFFSET_OUT_OF_RANGE/)
    await log.close()
    expect(() => log.read(0, 100)).toThrow(/is closed/)
  })

  test('a batch larger than maxBytes is given whole', async () => {
    const log = await openLog(temporaryFolder(), { config: { flush: 'os' } })
    append(log, batchOf(['v'.repeat(50_000)]))
    append(log, batchOf(['next']))
    expect(recordsIn(log.read(0, 10_000))).toEqual([`0:${'v'.repeat(50_000)}`])
    await log.close()
  })

  test('readers are told of every advance until they stop listening', async () => {
    const log = await openLog(temporaryFolder())
    const seen: number[] = []
    const stop = log.onHighWatermark(highWatermark => seen.push(highWatermark))
    append(log, batchOf(['a']))
    expect(seen).toEqual([])
    await log.durable(1)
    append(log, batchOf(['b', 'c']))
    await log.durable(3)
    stop()
    append(log, batchOf(['d']))
    await log.durable(4)
    expect(seen).toEqual([1, 3])
    await log.close()
  })
})

describe('time', () => {
  test('with LogAppendTime the broker stamps the records', async () => {
    const log = await openLog(temporaryFolder(), {
      config: { messageTimestampType: 'LogAppendTime', flush: 'os' },
      now: () => 8_000,
    })
    const producer = { id: 5n, epoch: 0, sequence: 0 }
    expect(append(log, batchOf(['a'], { producer }))).toMatchObject({ logAppendTime: 8000 })
    const again = append(log, batchOf(['a'], { producer }))
    expect(again).toMatchObject({ logAppendTime: 8000, duplicate: true })
    const stored = log.read(0, 100)
    expect(isLogAppendTime(stored)).toBe(true)
    expect(maxTimestamp(stored)).toBe(8000)
    expect(log.offsetForTimestamp(7999)).toEqual({ offset: 0, timestamp: 8000 })
    expect(log.offsetForTimestamp(8001)).toBeNull()
    await log.close()
  })

  test('the newest record is found by its timestamp', async () => {
    const log = await openLog(temporaryFolder(), { config: { segmentBytes: 300, flush: 'os' } })
    expect(log.offsetOfMaxTimestamp()).toBeNull()
    for (const timestamp of [10, 50, 30, 90, 90, 20, 70]) {
      append(log, batchOf(['v', 'w'], { timestamp }))
    }
    expect(log.offsetOfMaxTimestamp()).toEqual({ offset: 6, timestamp: 90 })
    await log.close()
  })

  test('a segment ends when its records span more than segment.ms', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder, { config: { segmentMs: 1000, flush: 'os' } })
    for (const timestamp of [0, 900, 1000, 1001, 500, 2002]) {
      append(log, batchOf(['v'], { timestamp }))
    }
    await log.close()
    const bases = fs.readdirSync(folder).filter(name => name.endsWith('.log'))
    expect(bases.map(Number.parseFloat)).toEqual([0, 3, 5])
  })

  test('segment.jitter.ms ends it sooner, each by another part of it, and never later', async () => {
    const folder = temporaryFolder()
    const config = { segmentMs: 1000, segmentJitterMs: 600, flush: 'os' } as const
    const log = await openLog(folder, { config })
    for (let timestamp = 0; timestamp < 40_000; timestamp += 10) {
      append(log, batchOf(['v'], { timestamp }))
    }
    await log.close()
    const logs = fs.readdirSync(folder).filter(name => name.endsWith('.log'))
    const bases = logs.map(Number.parseFloat)
    const spans = bases.slice(1).map((base, n) => (base - (bases[n] ?? 0)) * 10)
    expect(Math.min(...spans)).toBeGreaterThanOrEqual(400)
    expect(Math.max(...spans)).toBeLessThanOrEqual(1010)
    expect(new Set(spans).size).toBeGreaterThan(5)
  })
})

describe('deletion', () => {
  const config = { segmentBytes: 400, retentionMs: 1000, flush: 'os' as const }

  test('by age takes whole segments, the newest too once all are old', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder, { config })
    for (let n = 0; n < 30; n++) append(log, batchOf([`${n}`], { timestamp: n * 100 }))
    await log.applyRetention(2000)
    expect(log.startOffset).toBeGreaterThan(3)
    expect(log.startOffset).toBeLessThanOrEqual(10)
    const kept = log.startOffset
    expect(readAll(log)[0]).toBe(`${kept}:${kept}`)
    await log.close()
    const again = await openLog(folder, { config })
    expect(again.startOffset).toBe(kept)
    await again.applyRetention(100_000)
    expect(again.startOffset).toBe(30)
    expect(again.sizeInBytes).toBe(0)
    expect(append(again, batchOf(['next']))).toMatchObject({ baseOffset: 30 })
    await again.close()
  })

  test('by size leaves at least retention.bytes', async () => {
    const log = await openLog(temporaryFolder(), {
      config: { ...config, retentionMs: -1, retentionBytes: 1000 },
    })
    for (let n = 0; n < 30; n++) append(log, batchOf([`${n}`]))
    await log.applyRetention(2000)
    expect(log.sizeInBytes).toBeGreaterThanOrEqual(1000)
    expect(log.sizeInBytes).toBeLessThan(1400)
    await log.close()
  })

  test('a removed log leaves no file', async () => {
    const folder = temporaryFolder()
    const log = await openLog(folder)
    append(log, batchOf(['a']))
    await log.remove()
    expect(fs.existsSync(folder)).toBe(false)
  })
})

test('a log whose process was killed is as long as its files', async () => {
  const folder = temporaryFolder()
  const log = await openLog(folder, { config: { segmentBytes: 500, flush: 'os' } })
  for (let n = 0; n < 50; n++) append(log, batchOf([`value ${n}`]))
  await log.takeRecoveryPoint()
  for (let n = 50; n < 70; n++) append(log, batchOf([`value ${n}`]))
  const copy = temporaryFolder()
  fs.cpSync(folder, copy, { recursive: true })
  const last = fs.readdirSync(copy).filter(name => name.endsWith('.log'))
  fs.appendFileSync(path.join(copy, last.at(-1) ?? ''), Buffer.from('torn'))
  const again = await openLog(copy)
  expect(readAll(again)).toEqual(Array.from({ length: 70 }, (_, n) => `${n}:value ${n}`))
  await again.close()
  await log.close()
})
