import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LogClient, TopicPartition } from '../../src/client/log-client.ts'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

/** A record as tests write it down. */
export interface TestRecord {
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
}

export function record(key: string | null, value: string | null, timestamp = 0): TestRecord {
  return { key, value, timestamp }
}

/** Writes records to the partitions of their keys, one batch a partition. */
export async function produce(
  client: LogClient,
  topic: string,
  records: readonly TestRecord[],
): Promise<void> {
  const description = (await client.describeTopics([topic])).get(topic)
  const partitions = description?.partitions ?? 1
  const builders = Array.from({ length: partitions }, () => new RecordBatchBuilder())
  for (const { key, value, timestamp } of records) {
    const keyBytes = key === null ? null : Buffer.from(key)
    const partition = keyBytes === null ? 0 : partitionForKey(keyBytes, partitions)
    const valueBytes = value === null ? null : Buffer.from(value)
    builders[partition]?.append(keyBytes, valueBytes, timestamp, [])
  }
  const producer = await client.producer()
  const batches = builders.flatMap((builder, partition) =>
    builder.recordCount > 0 ? [{ topic, partition, batch: builder.build() }] : [],
  )
  await producer.send(batches)
  await producer.close()
}

export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly timestamp: number
}

/** Everything that a topic holds and counts, partition by partition. */
export async function readAll(client: LogClient, topic: string): Promise<ReadRecord[]> {
  const count = (await client.describeTopics([topic])).get(topic)?.partitions ?? 0
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  const ends = await client.listOffsets(partitions, 'latest')
  const consumer = client.consumer({ isolation: 'readCommitted' })
  const records: ReadRecord[] = []
  const reader = new RecordReader()
  consumer.assign(await client.listOffsets(partitions, 'earliest'))
  const isRead = ({
    topic: name,
    partition,
    offset,
  }: TopicPartition & { offset: number }): boolean =>
    consumer.position({ topic: name, partition }) >= offset
  while (!ends.every(isRead)) {
    for (const fetched of await consumer.poll(100)) {
      reader.reset(fetched.batches)
      while (reader.next()) {
        if (reader.offset < fetched.offset || reader.isControl) continue
        const { offset, timestamp } = reader
        const key = reader.key === null ? null : Buffer.from(reader.key)
        const value = reader.value === null ? null : Buffer.from(reader.value)
        records.push({ partition: fetched.partition, offset, key, value, timestamp })
      }
    }
  }
  await consumer.close()
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}

/** The same as text, `key=value`. */
export async function readText(client: LogClient, topic: string): Promise<string[]> {
  const records = await readAll(client, topic)
  return records.map(({ key, value }) => `${key?.toString() ?? null}=${value?.toString() ?? null}`)
}

/** What a compacted topic amounts to: the last value of each key, by the key's bytes in hex. */
export async function foldTopic(client: LogClient, topic: string): Promise<Map<string, Buffer>> {
  const rows = new Map<string, Buffer>()
  for (const { key, value } of await readAll(client, topic)) {
    if (key === null) continue
    if (value === null) rows.delete(key.toString('hex'))
    else rows.set(key.toString('hex'), value)
  }
  return rows
}

/** A folder that goes away with the test. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'millrace-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}
