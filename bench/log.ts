/**
 * The partition log alone: appending, reading, recovering. Batches of 100 records of 100 bytes. Group commit is measured
 * with producers that each wait for their batch to be durable; with `flush: 'os'` nobody waits.
 */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { defaultLogConfig, type LogConfig } from '../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../src/broker/log/partition-log.ts'
import { silentLogger } from '../src/logger.ts'
import { nodePlatform } from '../src/platform/node-platform.ts'
import { RecordBatchBuilder } from '../src/protocol/record-batch-builder.ts'
import { nextOffset, sizeInBytes } from '../src/protocol/record-batch.ts'
import { amount, throughput } from './measure.ts'

const recordsPerBatch = 100
const batches = amount(2000)
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-bench-log-'))
const { files, clock } = nodePlatform()

const builder = new RecordBatchBuilder()
for (let n = 0; n < recordsPerBatch; n++) {
  builder.append(Buffer.from(`key ${n}`), Buffer.alloc(100, 'v'), 1_700_000_000_000 + n, [])
}
const template = builder.build()

function open(name: string, flush: LogConfig['flush']): Promise<PartitionLog> {
  return openPartitionLog({
    files,
    clock,
    folder: path.join(folder, name),
    config: { ...defaultLogConfig, flush },
    logger: silentLogger,
    topicId: '00000000-0000-0000-0000-000000000001',
  })
}

function append(log: PartitionLog): number {
  return log.append(template, { leaderEpoch: 0, assignOffsets: true }).lastOffset
}

function appendAll(log: PartitionLog): number {
  for (let n = 0; n < batches; n++) append(log)
  return batches * recordsPerBatch
}

/** Each producer sends its next batch when the last one is durable. */
async function appendDurably(log: PartitionLog, producers: number): Promise<number> {
  let left = batches
  const produce = async (): Promise<void> => {
    while (left-- > 0) await log.durable(append(log) + 1)
  }
  await Promise.all(Array.from({ length: producers }, produce))
  return batches * recordsPerBatch
}

function readAll(log: PartitionLog, maxBytes: number): number {
  let offset = 0
  while (offset < log.highWatermark) {
    const found = log.read(offset, maxBytes)
    let at = 0
    while (at < found.length) {
      offset = nextOffset(found, at)
      at += sizeInBytes(found, at)
    }
  }
  return offset
}

const unflushed = await open('os-0', 'os')
await throughput('log append, flush os', 'records/s', () => appendAll(unflushed))
await throughput('log read, 1 MiB at a time', 'records/s', () => readAll(unflushed, 1 << 20))
await throughput('log read, one batch at a time', 'records/s', () => readAll(unflushed, 1))
await unflushed.close()

for (const producers of [1, 8, 64]) {
  const log = await open(`commit-${producers}`, 'commit')
  await throughput(`log append, ${producers} waiting for commits`, 'records/s', () =>
    appendDurably(log, producers),
  )
  await log.close()
}

// What a killed process leaves: a log that was not closed.
const killed = await open('killed-0', 'os')
const records = appendAll(killed)
let copy = 0
const recover = async (): Promise<number> => {
  await (await open(`copy-${copy}`, 'os')).close()
  return records
}
await throughput('log recovery after a kill', 'records/s', recover, () => {
  copy += 1
  const copied = path.join(folder, `copy-${copy}`)
  fs.cpSync(path.join(folder, 'killed-0'), copied, { recursive: true })
})
await killed.close()
fs.rmSync(folder, { recursive: true })
