/** What holds for every connection, whether its requests cross a socket or not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { PartitionLog } from '../../src/broker/log/partition-log.ts'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import type { Connection } from '../../src/client/connection.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { joinGroup } from '../../src/protocol/messages/11-join-group.ts'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/23-offset-for-leader-epoch.ts'
import { describeCluster } from '../../src/protocol/messages/60-describe-cluster.ts'
import * as recordBatch from '../../src/protocol/record-batch.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

describe.each(['in process', 'over TCP'])('a connection %s', kind => {
  const platform = nodePlatform()
  let data: string
  let broker: RunningBroker
  let connection: Connection

  beforeEach(async () => {
    data = mkdtempSync(join(tmpdir(), 'millrace-connectors-'))
    broker = await startBroker({ data })
    connection = await connect()
  })

  afterEach(async () => {
    await connection.close()
    await broker.close()
    rmSync(data, { recursive: true, force: true })
  })

  function connect(): Promise<Connection> {
    const connector =
      kind === 'in process' ? broker.connector() : wireConnector(platform, { clientId: 'test' })
    return connector(broker.address)
  }

  async function create(name: string, partitions = 1): Promise<string> {
    const { topics } = await connection.request(createTopics, {
      topics: [
        { name, numPartitions: partitions, replicationFactor: -1, assignments: [], configs: [] },
      ],
      timeoutMs: 1000,
      validateOnly: false,
    })
    expect(topics).toMatchObject([{ name, errorCode: 0, numPartitions: partitions }])
    return topics[0]?.topicId ?? ''
  }

  const batchOf = (...values: string[]): Buffer => {
    const builder = new RecordBatchBuilder()
    for (const value of values) builder.append(null, Buffer.from(value), 1000, [])
    return builder.build()
  }

  async function write(name: string, records: Buffer, index = 0, acks = -1) {
    const { responses } = await connection.request(produce, {
      transactionalId: null,
      acks,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index, records }] }],
    })
    return responses[0]?.partitionResponses[0]
  }

  interface FetchOptions {
    maxWaitMs?: number
    minBytes?: number
    maxBytes?: number
    partitionMaxBytes?: number
    currentLeaderEpoch?: number
    partition?: number
  }

  async function read(
    on: Connection,
    topicId: string,
    fetchOffset: number,
    options: FetchOptions = {},
  ) {
    const { maxWaitMs = 0, minBytes = 1, maxBytes = 1e6, partitionMaxBytes = 1e6 } = options
    const { responses } = await on.request(fetch, {
      maxWaitMs,
      minBytes,
      maxBytes,
      isolationLevel: 0,
      topics: [
        {
          topicId,
          partitions: [
            {
              partition: options.partition ?? 0,
              fetchOffset,
              partitionMaxBytes,
              currentLeaderEpoch: options.currentLeaderEpoch ?? -1,
            },
          ],
        },
      ],
    })
    return responses[0]?.partitions[0]
  }

  function valuesOf(records: Buffer | null | undefined): string[] {
    const reader = new RecordReader()
    reader.reset(records ?? Buffer.alloc(0))
    const values: string[] = []
    while (reader.next()) values.push(`${reader.offset}=${reader.value?.toString()}`)
    return values
  }

  test('writes and reads back batches, numbered by the broker', async () => {
    const id = await create('t')
    expect(await write('t', batchOf('a', 'b'))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await write('t', batchOf('c'))).toMatchObject({ errorCode: 0, baseOffset: 2 })
    const answer = await read(connection, id, 0)
    expect(valuesOf(answer?.records)).toEqual(['0=a', '1=b', '2=c'])
    expect(answer).toMatchObject({ highWatermark: 3, logStartOffset: 0, errorCode: 0 })
  })

  test('the bytes a caller passes are not changed', async () => {
    await create('t')
    await write('t', batchOf('a'))
    const batch = batchOf('b')
    const before = Buffer.from(batch)
    await write('t', batch)
    expect(batch.equals(before)).toBe(true)
  })

  test('a repeated batch of an idempotent producer is answered as before and written once', async () => {
    const id = await create('t')
    const { producerId, producerEpoch } = await connection.request(initProducerId, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    })
    expect(producerId).toBeGreaterThanOrEqual(1n)
    const stamped = (baseSequence: number, ...values: string[]): Buffer => {
      const batch = batchOf(...values)
      recordBatch.stampProducer(batch, { producerId, producerEpoch, baseSequence })
      return batch
    }
    await write('t', stamped(0, 'a', 'b'))
    expect(await write('t', stamped(2, 'c'))).toMatchObject({ errorCode: 0, baseOffset: 2 })
    expect(await write('t', stamped(0, 'a', 'b'))).toMatchObject({ errorCode: 0, baseOffset: 0 })
    expect(await write('t', stamped(7, 'z'))).toMatchObject({
      errorCode: errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
    })
    expect(valuesOf((await read(connection, id, 0))?.records)).toEqual(['0=a', '1=b', '2=c'])
  })

  test('one refused partition does not disturb the others', async () => {
    await create('t', 2)
    const damaged = batchOf('x')
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] ?? 0) ^ 1
    const { responses } = await connection.request(produce, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: 't',
          partitionData: [
            { index: 0, records: damaged },
            { index: 1, records: batchOf('y') },
            { index: 2, records: batchOf('z') },
          ],
        },
        { name: 'missing', partitionData: [{ index: 0, records: batchOf('z') }] },
      ],
    })
    const codes = responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ errorCode: code }) => code),
    )
    expect(codes).toEqual([
      errorCode.CORRUPT_MESSAGE,
      errorCode.NONE,
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ])
  })

  test('acks that are not served, transactions without an id, and topics of the broker are refused', async () => {
    await create('t')
    expect(await write('t', batchOf('a'), 0, 2)).toMatchObject({
      errorCode: errorCode.INVALID_REQUIRED_ACKS,
    })
    const transactional = batchOf('a')
    recordBatch.stampProducer(transactional, {
      producerId: 1n,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    })
    expect(await write('t', transactional)).toMatchObject({
      errorCode: errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    })
    await connection.request(metadata, { topics: [{ name: '__consumer_offsets' }] })
    expect(await write('__consumer_offsets', batchOf('a'))).toMatchObject({
      errorCode: errorCode.INVALID_TOPIC_EXCEPTION,
    })
  })

  test('a fetch at the end waits for the next record and is woken by it', async () => {
    const id = await create('t')
    const reader = await connect()
    const waiting = read(reader, id, 0, { maxWaitMs: 30_000 })
    await write('t', batchOf('a'))
    expect(valuesOf((await waiting)?.records)).toEqual(['0=a'])
    await reader.close()
  })

  test('a fetch waits for as many bytes as it asked for', async () => {
    const id = await create('t')
    const reader = await connect()
    const size = batchOf('a').length
    const waiting = read(reader, id, 0, { maxWaitMs: 30_000, minBytes: 3 * size })
    for (const value of ['a', 'b', 'c']) await write('t', batchOf(value))
    expect(valuesOf((await waiting)?.records)).toEqual(['0=a', '1=b', '2=c'])
    await reader.close()
  })

  test('and reads nothing again before they are there', async () => {
    const id = await create('t')
    const reader = await connect()
    const size = batchOf('a').length
    const reads = vi.spyOn(PartitionLog.prototype, 'read')
    const waiting = read(reader, id, 0, { maxWaitMs: 30_000, minBytes: 50 * size })
    for (let n = 0; n < 50; n++) await write('t', batchOf('a'))
    expect(valuesOf((await waiting)?.records)).toHaveLength(50)
    expect(reads.mock.calls.length).toBeLessThan(5)
    reads.mockRestore()
    await reader.close()
  })

  test('a fetch that finds nothing is answered empty when its time is up', async () => {
    const id = await create('t')
    expect(await read(connection, id, 0, { maxWaitMs: 20 })).toMatchObject({
      errorCode: 0,
      highWatermark: 0,
    })
  })

  test('a batch larger than the limits is returned, and only that', async () => {
    const id = await create('t')
    await write('t', batchOf('x'.repeat(1000)))
    await write('t', batchOf('second'))
    const answer = await read(connection, id, 0, { maxBytes: 10, partitionMaxBytes: 10 })
    expect(valuesOf(answer?.records)).toHaveLength(1)
  })

  test('offsets outside of the log and other leader epochs are refused', async () => {
    const id = await create('t')
    await write('t', batchOf('a'))
    expect((await read(connection, id, 2))?.errorCode).toBe(errorCode.OFFSET_OUT_OF_RANGE)
    expect((await read(connection, id, 1))?.errorCode).toBe(errorCode.NONE)
    const epochs: [number, number][] = [
      [0, errorCode.FENCED_LEADER_EPOCH],
      [1, errorCode.NONE],
      [2, errorCode.UNKNOWN_LEADER_EPOCH],
    ]
    for (const [currentLeaderEpoch, code] of epochs) {
      expect((await read(connection, id, 0, { currentLeaderEpoch }))?.errorCode).toBe(code)
    }
    expect((await read(connection, id, 0, { partition: 5 }))?.errorCode).toBe(
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    )
    const unknown = '00000000-0000-0000-0000-000000000001'
    expect((await read(connection, unknown, 0))?.errorCode).toBe(errorCode.UNKNOWN_TOPIC_ID)
  })

  test('offsets are found by position and by time', async () => {
    await create('t')
    const builder = new RecordBatchBuilder()
    for (const at of [100, 300, 200]) builder.append(null, null, at, [])
    await write('t', builder.build())
    const at = async (timestamp: number) => {
      const { topics } = await connection.request(listOffsets, {
        replicaId: -1,
        topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp }] }],
      })
      const answer = topics[0]?.partitions[0]
      return [answer?.offset, answer?.timestamp]
    }
    expect(await at(-1)).toEqual([3, -1])
    expect(await at(-2)).toEqual([0, -1])
    expect(await at(-3)).toEqual([1, 300])
    expect(await at(-4)).toEqual([0, -1])
    expect(await at(-5)).toEqual([-1, -1])
    expect(await at(150)).toEqual([1, 300])
    expect(await at(301)).toEqual([-1, -1])
  })

  test('metadata creates a topic only when it may, and finds it by id', async () => {
    const ask = (name: string, allowAutoTopicCreation: boolean) =>
      connection.request(metadata, { topics: [{ name }], allowAutoTopicCreation })
    expect((await ask('auto', false)).topics[0]?.errorCode).toBe(3)
    const made = (await ask('auto', true)).topics[0]
    expect(made).toMatchObject({ errorCode: 0, name: 'auto', isInternal: false })
    expect((await ask('not a name', true)).topics[0]?.errorCode).toBe(17)
    const { topics } = await connection.request(metadata, {
      topics: [{ name: null, topicId: made?.topicId ?? '' }],
    })
    expect(topics[0]?.name).toBe('auto')
    expect((await connection.request(metadata, { topics: [] })).topics).toEqual([])
    expect((await connection.request(metadata, { topics: null })).topics).toHaveLength(1)
  })

  test('requests of one connection are answered in their order', async () => {
    const id = await create('t')
    const order: string[] = []
    const note = (name: string) => (): void => void order.push(name)
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
    await Promise.all([
      connection
        .request(fetch, {
          maxWaitMs: 50,
          minBytes: 1,
          maxBytes: 1000,
          isolationLevel: 0,
          topics: [{ topicId: id, partitions }],
        })
        .then(note('parked fetch')),
      connection.request(metadata, { topics: null }).then(note('metadata')),
      connection
        .request(describeCluster, { includeClusterAuthorizedOperations: false })
        .then(note('cluster')),
    ])
    expect(order).toEqual(['parked fetch', 'metadata', 'cluster'])
  })

  test('offsets of a group without members are kept over a restart, and so are records and ids', async () => {
    const id = await create('t')
    await write('t', batchOf('a', 'b'))
    const init = { transactionalId: null, transactionTimeoutMs: 0 }
    const { producerId } = await connection.request(initProducerId, init)
    const commit = await connection.request(offsetCommit, {
      groupId: 'g',
      memberId: '',
      generationIdOrMemberEpoch: -1,
      topics: [
        {
          name: 't',
          partitions: [
            { partitionIndex: 0, committedOffset: 2, committedMetadata: 'up to b' },
            { partitionIndex: 9, committedOffset: 2, committedMetadata: null },
          ],
        },
      ],
    })
    expect(commit.topics[0]?.partitions.map(({ errorCode: code }) => code)).toEqual([0, 3])

    await connection.close()
    await broker.close()
    broker = await startBroker({ data })
    connection = await connect()

    const { groups } = await connection.request(offsetFetch, {
      groups: [{ groupId: 'g', topics: null }],
    })
    expect(groups).toEqual([
      {
        groupId: 'g',
        errorCode: 0,
        topics: [
          {
            name: 't',
            partitions: [
              {
                partitionIndex: 0,
                committedOffset: 2,
                committedLeaderEpoch: -1,
                metadata: 'up to b',
                errorCode: 0,
              },
            ],
          },
        ],
      },
    ])
    expect(valuesOf((await read(connection, id, 0))?.records)).toEqual(['0=a', '1=b'])
    const next = await connection.request(initProducerId, init)
    expect(next.producerId).toBeGreaterThan(producerId)
    const endOf = async (leaderEpoch: number) => {
      const { topics } = await connection.request(offsetForLeaderEpoch, {
        topics: [{ topic: 't', partitions: [{ partition: 0, leaderEpoch }] }],
      })
      return topics[0]?.partitions[0]
    }
    // Who asked for the end was told of an epoch in which nothing is written yet, and asks how far it goes.
    expect(await endOf(2)).toMatchObject({ leaderEpoch: 2, endOffset: 2, errorCode: 0 })
    await write('t', batchOf('c'))
    expect(await endOf(1)).toMatchObject({ leaderEpoch: 1, endOffset: 2, errorCode: 0 })
    expect(await endOf(2)).toMatchObject({ leaderEpoch: 2, endOffset: 3, errorCode: 0 })
    expect(await endOf(3)).toMatchObject({ leaderEpoch: -1, endOffset: -1, errorCode: 0 })
  })

  test('closing the broker answers those who wait', async () => {
    const id = await create('t')
    const member = await connect()
    const joining = async () => {
      const request = {
        groupId: 'g',
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 10_000,
        memberId: '',
        groupInstanceId: 'i',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      }
      // The first join leads; the second, as another member, waits for the first to come again.
      await member.request(joinGroup, request)
      return member.request(joinGroup, { ...request, groupInstanceId: 'j' })
    }
    const joined = joining().then(
      ({ errorCode: code }) => code,
      () => 'connection lost',
    )
    const fetched = read(connection, id, 0, { maxWaitMs: 60_000 }).then(
      answer => answer?.errorCode,
      () => 'connection lost',
    )
    const watcher = await connect()
    for (;;) {
      const { groups } = await watcher.request(describeGroups, { groups: ['g'] })
      if (groups[0]?.groupState === 'PreparingRebalance') break
    }
    await broker.close()
    expect(await fetched).toBe(errorCode.NONE)
    expect(await joined).toBe(errorCode.COORDINATOR_NOT_AVAILABLE)
    await expect(connection.request(metadata, { topics: null })).rejects.toMatchObject({
      code: 'CONNECTION_LOST',
    })
    await Promise.all([member.close(), watcher.close()])
  })

  test('closing a connection gives up what is open on it', async () => {
    const id = await create('t')
    const reader = await connect()
    const waiting = read(reader, id, 0, { maxWaitMs: 60_000 })
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'CONNECTION_LOST' }),
      reader.close(),
    ])
  })
})
