/** Record batches in both directions between us and kafkajs, whose codecs are none and gzip. */
import { createRequire } from 'node:module'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import * as batch from '../../src/protocol/record-batch.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { decodeRequest, decodeRequestHeader } from '../../src/protocol/frame.ts'
import { build, readAll, someRecords } from './records.ts'
import type { TestRecord } from './records.ts'
import type { Untyped } from './untyped.ts'

const require = createRequire(import.meta.url)
const from = (path: string) => require(`../../node_modules/kafkajs/src/protocol/${path}`)
const { RecordBatch } = from('recordBatch/v0')
const Record = from('recordBatch/record/v0')
const decodeBatch = from('recordBatch/v0/decoder.js')
const Decoder = from('decoder.js')
const encodeKafkajs = from('request.js')
const produceDefinition = from('requests/produce')

/** kafkajs keeps headers in an object: one each, under a name that no object has by itself. */
const simple = someRecords.map(records =>
  records.map(record => ({
    ...record,
    headers: record.headers.slice(0, 1).map(({ key, value }) => ({ key: `h-${key}`, value })),
  })),
)

test('kafkajs reads our batches', async () => {
  const codecs = fc.constantFrom('none', 'gzip')
  await fc.assert(
    fc.asyncProperty(simple, codecs, async (records, codec) => {
      const read = await decodeBatch(new Decoder(build(records, { codec, baseOffset: 1000 })))
      expect(read).toMatchObject({ firstOffset: '1000', lastOffsetDelta: records.length - 1 })
      expect(read.records.map(fromKafkajs)).toEqual(
        records.map((record, i) => ({ ...record, offset: 1000 + i })),
      )
    }),
    { numRuns: 150 },
  )
})

test('we read the batches of kafkajs', async () => {
  await fc.assert(
    fc.asyncProperty(simple, fc.constantFrom(0, 1), async (records, compression) => {
      const firstTimestamp = records[0]?.timestamp ?? 0
      const encoded = await RecordBatch({
        compression,
        firstOffset: 0,
        firstTimestamp,
        maxTimestamp: Math.max(...records.map(record => record.timestamp)),
        lastOffsetDelta: records.length - 1,
        producerId: 77,
        producerEpoch: 1,
        firstSequence: 5,
        transactional: true,
        records: records.map((record, offsetDelta) =>
          Record({
            ...record,
            headers: Object.fromEntries(record.headers.map(h => [h.key, h.value ?? ''])),
            timestampDelta: record.timestamp - firstTimestamp,
            offsetDelta,
          }),
        ),
      })
      const bytes: Buffer = encoded.buffer
      expect(batch.checkBatch(bytes)).toBeNull()
      expect(batch.producerId(bytes)).toBe(77n)
      expect(batch.isTransactional(bytes)).toBe(true)
      expect(readAll(bytes)).toEqual(
        records.map((record, i) => ({
          ...record,
          // kafkajs has no null in headers.
          headers: record.headers.map(h => ({ ...h, value: h.value ?? Buffer.alloc(0) })),
          offset: i,
        })),
      )
    }),
    { numRuns: 150 },
  )
})

test.each([3, 4, 5, 6, 7])('a Produce request of version %i', async version => {
  const { request } = produceDefinition.protocol({ version })({
    acks: -1,
    timeout: 30_001,
    transactionalId: 'txn-1',
    producerId: 77,
    producerEpoch: 2,
    topicData: [
      {
        topic: 'topic-1',
        partitions: [
          { partition: 4, firstSequence: 9, messages: [{ value: Buffer.from('v'), timestamp: 5 }] },
        ],
      },
    ],
  })
  const header = { correlationId: 1, clientId: 'client-1' }
  const frame: Buffer = (await encodeKafkajs({ ...header, request })).buffer
  const received = decodeRequestHeader(frame.subarray(4))
  expect(received.apiVersion).toBe(version)
  const body = decodeRequest(produce, version, received.reader)
  expect(received.reader.remaining).toBe(0)
  expect(body).toMatchObject({ transactionalId: 'txn-1', acks: -1, timeoutMs: 30_001 })
  expect(body.topicData).toMatchObject([{ name: 'topic-1', partitionData: [{ index: 4 }] }])
  const records = body.topicData[0]?.partitionData[0]?.records ?? Buffer.alloc(0)
  expect(batch.checkBatch(records)).toBeNull()
  expect(batch.baseSequence(records)).toBe(9)
  expect(readAll(records)).toMatchObject([{ value: Buffer.from('v'), timestamp: 5 }])
})

function fromKafkajs(record: Untyped): TestRecord & { offset: number } {
  const { key, value, timestamp, offset, headers } = record
  return {
    key,
    value,
    timestamp: Number(timestamp),
    offset: Number(offset),
    headers: Object.entries<Untyped>(headers).map(([name, bytes]) => ({ key: name, value: bytes })),
  }
}
