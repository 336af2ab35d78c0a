/**
 * Batches of a megabyte that become gigabytes when somebody decompresses them: the broker refuses them, its memory stays
 * within bounds, and its next client is served.
 */
import { readFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { codecIds, compress, type CompressionCodec } from '../../src/protocol/compression.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import * as recordBatch from '../../src/protocol/record-batch.ts'
import { batchOf } from '../client/records.ts'
import { type BrokerProcess, startBrokerProcess } from '../torture/broker-process.ts'

const MEBIBYTE = 1024 * 1024
const data = mkdtempSync(join(tmpdir(), 'millrace-bombs-'))
let broker: BrokerProcess | undefined

afterAll(async () => {
  await broker?.kill()
  rmSync(data, { recursive: true, force: true })
})

/** A batch whose records are `pieces` times 16 MiB of zeros, and nothing that could be a record. */
function bomb(codec: CompressionCodec, pieces: number): Buffer {
  const piece = compress(codec, Buffer.alloc(16 * MEBIBYTE))
  const header = batchOf(['value']).subarray(0, recordBatch.headerBytes)
  const batch = Buffer.concat([header, ...Array.from({ length: pieces }, () => piece)])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(codecIds[codec], 21)
  recordBatch.stampCrc(batch)
  return batch
}

function peakBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024
}

test('bombs of every codec are refused within the memory of a broker at work', async () => {
  broker = await startBrokerProcess(data, 0)
  const port = Number(broker.bootstrap.split(':')[1])
  const connection = await wireConnector(nodePlatform(), { clientId: 'bomber' })({
    host: '127.0.0.1',
    port,
  })
  await connection.request(createTopics, {
    topics: ['delete', 'compact'].map(policy => ({
      name: policy,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'cleanup.policy', value: policy }],
    })),
    timeoutMs: 10_000,
    validateOnly: false,
  })
  const idleBytes = peakBytes(broker.pid)
  const codes: number[] = []
  const sizes: string[] = []
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    // As many as fit into a request; and so few that they are decompressed as a whole.
    for (const pieces of [64, 4, 1]) {
      const records = bomb(codec, pieces)
      if (records.length > 1_048_000) continue
      sizes.push(`${codec} ${records.length} B -> ${pieces * 16} MiB`)
      for (const name of ['delete', 'compact']) {
        const { responses } = await connection.request(produce, {
          transactionalId: null,
          acks: -1,
          timeoutMs: 10_000,
          topicData: [{ name, partitionData: [{ index: 0, records: Buffer.from(records) }] }],
        })
        codes.push(responses[0]?.partitionResponses[0]?.errorCode ?? errorCode.NONE)
      }
    }
  }
  await connection.close()
  expect(new Set(codes)).toEqual(new Set([errorCode.INVALID_RECORD]))
  const grown = peakBytes(broker.pid) - idleBytes
  process.stdout.write(`${sizes.join(', ')}: ${Math.round(grown / MEBIBYTE)} MiB above idle\n`)
  expect(grown).toBeLessThan(256 * MEBIBYTE)
})
