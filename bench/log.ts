/**
 * The partition log in process: how many records and bytes a second it appends and reads. Batches of 100 records of 100
 * bytes. Group commit is measured with producers that each wait for their batch to be durable; without it nobody waits.
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

const recordsPerBatch = 100
const batches = 10_000
const folder = fs.mkdtempSync(path.join(process.env['BENCH_FOLDER'] ?? os.tmpdir(), 'millrace-'))
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

/** Each producer sends its next batch when the last one is durable. */
async function appendDurably(log: PartitionLog, producers: number): Promise<void> {
  let left = batches
  const produce = async (): Promise<void> => {
    while (left-- > 0) await log.durable(append(log) + 1)
  }
  await Promise.all(Array.from({ length: producers }, produce))
}

function readAll(log: PartitionLog, maxBytes: number): void {
  let offset = 0
  while (offset < log.highWatermark) {
    const found = log.read(offset, maxBytes)
    let at = 0
    while (at < found.length) {
      offset = nextOffset(found, at)
      at += sizeInBytes(found, at)
    }
  }
}

async function measure(what: string, run: () => Promise<void> | void): Promise<void> {
  const start = performance.now()
  await run()
  const seconds = (performance.now() - start) / 1000
  const records = ((batches * recordsPerBatch) / seconds / 1e6).toFixed(2)
  const megabytes = ((batches * template.length) / seconds / 1e6).toFixed(0)
  process.stdout.write(`${what}: ${records} M records/s, ${megabytes} MB/s\n`)
}

const unflushed = await open('os-0', 'os')
await measure('log append, flush os', () => {
  for (let n = 0; n < batches; n++) append(unflushed)
})
await measure('log read, 1 MiB at a time', () => readAll(unflushed, 1 << 20))
await measure('log read, one batch at a time', () => readAll(unflushed, 1))
await unflushed.close()

for (const producers of [1, 8, 64]) {
  const log = await open(`commit-${producers}`, 'commit')
  await measure(`log append, group commit, ${producers} producers waiting`, () =>
    appendDurably(log, producers),
  )
  await log.close()
}

const killed = await open('killed-0', 'os')
for (let n = 0; n < batches; n++) append(killed)
fs.cpSync(path.join(folder, 'killed-0'), path.join(folder, 'killed-1'), { recursive: true })
await measure('log recovery after a kill', async () => {
  await (await open('killed-1', 'os')).close()
})
await killed.close()
fs.rmSync(folder, { recursive: true })
