/** The files are those of Apache Kafka: what its DumpLogSegments checks is checked here. */
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import {
  decodePartitionMetadata,
  encodePartitionMetadata,
} from '../../../src/broker/log/partition-metadata.ts'
import * as batch from '../../../src/protocol/record-batch.ts'
import { batchOf } from './batches.ts'
import { append, openLog, temporaryFolder, topicId } from './log-world.ts'

test('every index entry is true of the batch it points to', async () => {
  const folder = temporaryFolder()
  const config = { segmentBytes: 20_000, indexIntervalBytes: 500 }
  const log = await openLog(folder, { config })
  for (let n = 0; n < 600; n++) {
    append(log, batchOf([`${n}`, 'more'], { timestamp: 1000 + ((n * 7919) % 997) }))
  }
  await log.close()
  const names = fs.readdirSync(folder)
  const logs = names.filter(name => name.endsWith('.log'))
  expect(logs.length).toBeGreaterThan(2)
  for (const name of logs) {
    const base = Number(name.slice(0, 20))
    const bytes = fs.readFileSync(path.join(folder, name))
    const index = fs.readFileSync(path.join(folder, name.replace('.log', '.index')))
    const times = fs.readFileSync(path.join(folder, name.replace('.log', '.timeindex')))
    const lastOffsets = new Map<number, number>()
    let largest = -1
    for (let at = 0; at < bytes.length; at += batch.sizeInBytes(bytes, at)) {
      expect(batch.checkBatch(bytes, at)).toBeNull()
      lastOffsets.set(batch.nextOffset(bytes, at) - 1, batch.maxTimestamp(bytes, at))
      largest = Math.max(largest, batch.maxTimestamp(bytes, at))
    }
    expect(index.length % 8).toBe(0)
    expect(index.length).toBeGreaterThan(8 * 5)
    for (let at = 0; at < index.length; at += 8) {
      const position = index.readInt32BE(at + 4)
      expect(batch.nextOffset(bytes, position) - 1).toBe(base + index.readInt32BE(at))
    }
    expect(times.length % 12).toBe(0)
    for (let at = 0; at < times.length; at += 12) {
      const offset = base + times.readInt32BE(at + 8)
      expect(lastOffsets.get(offset)).toBe(Number(times.readBigInt64BE(at)))
    }
    expect(Number(times.readBigInt64BE(times.length - 12))).toBe(largest)
  }
})

test('partition.metadata names the topic as Kafka does', async () => {
  const folder = temporaryFolder()
  await (await openLog(folder)).close()
  expect(fs.readFileSync(path.join(folder, 'partition.metadata'), 'utf8')).toBe(
    'version: 0\ntopic_id: a6e4EJ2tEdGAtADAT9QwyA\n',
  )
  expect(decodePartitionMetadata(encodePartitionMetadata(topicId))).toBe(topicId)
  fs.writeFileSync(
    path.join(folder, 'partition.metadata'),
    encodePartitionMetadata(topicId.replace('6', '7')),
  )
  await expect(openLog(folder)).rejects.toThrow(/belongs to another topic/)
})
