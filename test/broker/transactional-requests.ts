import assert from 'node:assert/strict'
import type { Connection } from '../../src/client/connection.ts'
import { errorCode, errorName } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.ts'
import { endTxn } from '../../src/protocol/messages/26-end-txn.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.ts'
import { readControlRecord } from '../../src/protocol/control-batch.ts'
import { stampProducer } from '../../src/protocol/record-batch.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

export interface Instance {
  readonly producerId: bigint
  readonly producerEpoch: number
}

export function transactionalBatch(
  producer: Instance & { readonly sequence: number },
  values: readonly string[],
): Buffer {
  const builder = new RecordBatchBuilder()
  for (const value of values) builder.append(Buffer.from('k'), Buffer.from(value), 1000, [])
  const batch = builder.build()
  const { producerId, producerEpoch, sequence: baseSequence } = producer
  stampProducer(batch, { producerId, producerEpoch, baseSequence, isTransactional: true })
  return batch
}

/**
 * A transactional producer, request by request: nothing is tried again, nothing is done by itself. Every call resolves with
 * the name of the error code.
 */
export class ManualProducer {
  connection: Connection
  instance: Instance = { producerId: -1n, producerEpoch: -1 }
  readonly transactionalId: string
  private readonly sequences = new Map<string, number>()

  constructor(connection: Connection, transactionalId: string) {
    this.connection = connection
    this.transactionalId = transactionalId
  }

  async init(
    options: { timeoutMs?: number; expected?: Instance; maxVersion?: number } = {},
  ): Promise<string> {
    const api = { ...initProducerId, maxVersion: options.maxVersion ?? initProducerId.maxVersion }
    const made = await this.connection.request(api, {
      transactionalId: this.transactionalId,
      transactionTimeoutMs: options.timeoutMs ?? 60_000,
      ...options.expected,
    })
    if (made.errorCode === 0) {
      this.instance = { producerId: made.producerId, producerEpoch: made.producerEpoch }
      this.sequences.clear()
    }
    return errorName(made.errorCode)
  }

  async add(topic: string, partitions: number[], maxVersion = 3): Promise<string> {
    const { results } = await this.connection.request(
      { ...addPartitionsToTxn, maxVersion },
      {
        transactionalId: this.transactionalId,
        ...this.instance,
        topics: [{ name: topic, partitions }],
      },
    )
    const codes = results.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => errorName(partitionErrorCode)),
    )
    return [...new Set(codes)].join(' ')
  }

  /** Sends a transactional batch, whether or not its partition was added. */
  async send(topic: string, partition: number, values: string[], maxVersion = 11): Promise<string> {
    const place = `${topic}-${partition}`
    const sequence = this.sequences.get(place) ?? 0
    const records = transactionalBatch({ ...this.instance, sequence }, values)
    const { responses } = await this.connection.request(
      { ...produce, maxVersion },
      {
        transactionalId: this.transactionalId,
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
      },
    )
    const code = responses[0]?.partitionResponses[0]?.errorCode ?? -1
    if (code === 0) this.sequences.set(place, sequence + values.length)
    return errorName(code)
  }

  async addOffsets(groupId: string, maxVersion = 4): Promise<string> {
    const answer = await this.connection.request(
      { ...addOffsetsToTxn, maxVersion },
      { transactionalId: this.transactionalId, ...this.instance, groupId },
    )
    return errorName(answer.errorCode)
  }

  async commitOffset(groupId: string, topic: string, offset: number): Promise<string> {
    const { topics } = await this.connection.request(
      { ...txnOffsetCommit, maxVersion: 4 },
      {
        transactionalId: this.transactionalId,
        groupId,
        ...this.instance,
        topics: [
          {
            name: topic,
            partitions: [{ partitionIndex: 0, committedOffset: offset, committedMetadata: '' }],
          },
        ],
      },
    )
    return errorName(topics[0]?.partitions[0]?.errorCode ?? -1)
  }

  async end(type: 'abort' | 'commit', maxVersion = 4): Promise<string> {
    const answer = await this.connection.request(
      { ...endTxn, maxVersion },
      { transactionalId: this.transactionalId, ...this.instance, committed: type === 'commit' },
    )
    return errorName(answer.errorCode)
  }
}

export async function createTopic(
  connection: Connection,
  name: string,
  numPartitions: number,
): Promise<void> {
  const { topics } = await connection.request(createTopics, {
    topics: [{ name, numPartitions, replicationFactor: -1, assignments: [], configs: [] }],
    timeoutMs: 1000,
    validateOnly: false,
  })
  const code = topics[0]?.errorCode ?? -1
  // The request may have been sent before.
  assert(code === 0 || code === errorCode.TOPIC_ALREADY_EXISTS, errorName(code))
}

/** The committed offset of partition 0, or why it is not told. */
export async function committedOffset(
  connection: Connection,
  groupId: string,
  topic: string,
): Promise<number | string> {
  const { groups } = await connection.request(offsetFetch, {
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
    requireStable: true,
  })
  const partition = groups[0]?.topics[0]?.partitions[0]
  assert(partition !== undefined)
  return partition.errorCode === 0 ? partition.committedOffset : errorName(partition.errorCode)
}

export interface Committed {
  readonly values: string[]
  readonly lastStableOffset: number
  readonly highWatermark: number
}

/** What a reader of committed records finds in a partition, decided batch by batch. */
export async function readCommitted(
  connection: Connection,
  topic: string,
  partition: number,
): Promise<Committed> {
  const { topics } = await connection.request(metadata, {
    topics: [{ name: topic }],
    allowAutoTopicCreation: false,
  })
  const topicId = topics[0]?.topicId
  assert(topicId !== undefined)
  const values: string[] = []
  for (let fetchOffset = 0; ;) {
    const { responses } = await connection.request(fetch, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1e6,
      isolationLevel: 1,
      topics: [{ topicId, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1e6 }] }],
    })
    const answer = responses[0]?.partitions[0]
    assert(answer?.errorCode === 0, `fetch answers ${errorName(answer?.errorCode ?? -1)}`)
    const { lastStableOffset, highWatermark, records, abortedTransactions } = answer
    const reader = new RecordReader()
    reader.reset(records ?? Buffer.alloc(0))
    const before = fetchOffset
    const waiting = [...(abortedTransactions ?? [])]
    const aborted = new Set<bigint>()
    while (reader.next()) {
      const { offset, isControl, isTransactional, producerId } = reader
      for (let first = waiting[0]; first !== undefined && first.firstOffset <= offset;) {
        aborted.add(first.producerId)
        waiting.shift()
        first = waiting[0]
      }
      assert(offset < lastStableOffset, 'nothing is shown beyond the last stable offset')
      if (isControl) {
        if (readControlRecord(reader.key, reader.value)?.type === 'abort')
          aborted.delete(producerId)
      } else if (!(isTransactional && aborted.has(producerId)) && offset >= before) {
        values.push(reader.value?.toString() ?? 'null')
      }
      fetchOffset = Math.max(fetchOffset, offset + 1)
    }
    if (fetchOffset === before) return { values, lastStableOffset, highWatermark }
  }
}
