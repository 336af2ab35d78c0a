/** Settings of topics: which are taken, and that an altered one is in force without a restart. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { defaultLogConfig } from '../../src/broker/log/log-config.ts'
import { logConfigFor } from '../../src/broker/topic-configs.ts'
import type { Connection } from '../../src/client/connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Platform } from '../../src/platform/platform.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { listOffsets } from '../../src/protocol/messages/02-list-offsets.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { deleteRecords } from '../../src/protocol/messages/21-delete-records.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { alterConfigs } from '../../src/protocol/messages/33-alter-configs.ts'
import { incrementalAlterConfigs } from '../../src/protocol/messages/44-incremental-alter-configs.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'

const TOPIC = 2
const DAY_MS = 86_400_000
const OFFSETS = '__consumer_offsets'

/** The machine's, on a clock that the test puts forward. */
let aheadMs = 0
const real = nodePlatform()
const platform: Platform = {
  ...real,
  clock: { ...real.clock, now: () => real.clock.now() + aheadMs },
}
let data: string
let broker: RunningBroker
let connection: Connection

beforeEach(async () => {
  aheadMs = 0
  data = mkdtempSync(join(tmpdir(), 'millrace-settings-'))
  broker = await startBroker({ platform, data, config: { logRetentionCheckIntervalMs: 5 } })
  connection = await broker.connector()(broker.address)
})

afterEach(async () => {
  await connection.close()
  await broker.close()
  rmSync(data, { recursive: true, force: true })
})

const entriesOf = (configs: Record<string, string>) =>
  Object.entries(configs).map(([name, value]) => ({ name, value }))

async function create(name: string, configs: Record<string, string> = {}) {
  const { topics } = await connection.request(createTopics, {
    topics: [
      {
        name,
        numPartitions: 1,
        replicationFactor: -1,
        assignments: [],
        configs: entriesOf(configs),
      },
    ],
    timeoutMs: 1000,
    validateOnly: false,
  })
  return topics[0]
}

async function alter(resourceName: string, configs: Record<string, string>) {
  const { responses } = await connection.request(alterConfigs, {
    resources: [{ resourceType: TOPIC, resourceName, configs: entriesOf(configs) }],
    validateOnly: false,
  })
  return responses[0]
}

async function describeTopic(resourceName: string) {
  const { results } = await connection.request(describeConfigs, {
    resources: [{ resourceType: TOPIC, resourceName, configurationKeys: null }],
    includeSynonyms: false,
    includeDocumentation: true,
  })
  return new Map(results[0]?.configs.map(entry => [entry.name, entry]))
}

async function write(name: string, value: string, timestampMs = platform.clock.now()) {
  const builder = new RecordBatchBuilder()
  builder.append(null, Buffer.from(value), timestampMs, [])
  const { responses } = await connection.request(produce, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 1000,
    topicData: [{ name, partitionData: [{ index: 0, records: builder.build() }] }],
  })
  return responses[0]?.partitionResponses[0]
}

async function earliest(name: string): Promise<number> {
  const { topics } = await connection.request(listOffsets, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -2 }] }],
    timeoutMs: 1000,
  })
  expect(topics[0]?.partitions[0]?.errorCode).toBe(errorCode.NONE)
  return topics[0]?.partitions[0]?.offset ?? -1
}

const segmentsOf = (name: string): number =>
  readdirSync(join(data, 'logs', `${name}-0`)).filter(file => file.endsWith('.log')).length

describe('an altered setting is in force at once:', () => {
  test('segment.bytes', async () => {
    await create('t')
    for (let n = 0; n < 4; n++) await write('t', 'x'.repeat(400))
    expect(segmentsOf('t')).toBe(1)
    await alter('t', { 'segment.bytes': '1000' })
    for (let n = 0; n < 4; n++) await write('t', 'x'.repeat(400))
    expect(segmentsOf('t')).toBe(3)
  })

  test('max.message.bytes', async () => {
    await create('t', { 'max.message.bytes': '500' })
    const large = 'x'.repeat(600)
    expect((await write('t', large))?.errorCode).toBe(errorCode.MESSAGE_TOO_LARGE)
    await alter('t', { 'max.message.bytes': '1000' })
    expect(await write('t', large)).toMatchObject({ errorCode: 0, baseOffset: 0 })
    await alter('t', { 'max.message.bytes': '500' })
    expect((await write('t', large))?.errorCode).toBe(errorCode.MESSAGE_TOO_LARGE)
  })

  test('message.timestamp.type', async () => {
    const id = (await create('t'))?.topicId ?? ''
    const aMinuteAgo = platform.clock.now() - 60_000
    await write('t', 'by the producer', aMinuteAgo)
    await alter('t', { 'message.timestamp.type': 'LogAppendTime' })
    const stamped = await write('t', 'by the broker', aMinuteAgo)
    await alter('t', { 'message.timestamp.type': 'CreateTime' })
    await write('t', 'by the producer again', aMinuteAgo)
    const { responses } = await connection.request(fetch, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1e6,
      isolationLevel: 0,
      topics: [
        { topicId: id, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1e6 }] },
      ],
    })
    const reader = new RecordReader()
    reader.reset(responses[0]?.partitions[0]?.records ?? Buffer.alloc(0))
    const timestamps: number[] = []
    while (reader.next()) timestamps.push(reader.timestamp)
    expect(timestamps).toEqual([aMinuteAgo, stamped?.logAppendTimeMs, aMinuteAgo])
    expect(stamped?.logAppendTimeMs).toBeGreaterThan(aMinuteAgo)
  })

  test('message.timestamp.before.max.ms and after.max.ms', async () => {
    await create('t')
    const now = platform.clock.now()
    expect((await write('t', 'old', now - DAY_MS))?.errorCode).toBe(errorCode.NONE)
    expect((await write('t', 'new', now + DAY_MS))?.errorCode).toBe(errorCode.NONE)
    await alter('t', {
      'message.timestamp.before.max.ms': '3600000',
      'message.timestamp.after.max.ms': '3600000',
    })
    expect((await write('t', 'old', now - DAY_MS))?.errorCode).toBe(errorCode.INVALID_TIMESTAMP)
    expect((await write('t', 'new', now + DAY_MS))?.errorCode).toBe(errorCode.INVALID_TIMESTAMP)
    expect((await write('t', 'now', now))?.errorCode).toBe(errorCode.NONE)
  })

  test('retention.ms, which goes by the timestamps of the records', async () => {
    await create('t', { 'retention.ms': '-1' })
    await create('kept', { 'retention.ms': '-1' })
    for (const name of ['t', 'kept'])
      await write(name, 'ten days ago', platform.clock.now() - 10 * DAY_MS)
    expect(await earliest('t')).toBe(0)
    await alter('t', { 'retention.ms': String(DAY_MS) })
    while ((await earliest('t')) === 0) await new Promise(done => setImmediate(done))
    expect(await earliest('t')).toBe(1)
    expect(await earliest('kept')).toBe(0)
    expect((await write('t', 'today'))?.baseOffset).toBe(1)
  })
})

test('a topic with flush.messages or flush.ms is flushed, whatever the broker leaves to the system', () => {
  const flushOf = (configs: Record<string, string>) =>
    logConfigFor(new Map(Object.entries(configs)), { ...defaultLogConfig, flush: 'os' }).flush
  expect(flushOf({})).toBe('os')
  expect(flushOf({ 'flush.messages': '9223372036854775807' })).toBe('os')
  expect(flushOf({ 'flush.messages': '10000' })).toBe('commit')
  expect(flushOf({ 'flush.ms': '1000' })).toBe('commit')
})

describe('committed offsets', () => {
  const committed = async () => {
    const { groups } = await connection.request(offsetFetch, {
      groups: [{ groupId: 'g', topics: null }],
    })
    return groups[0]?.topics[0]?.partitions[0]?.committedOffset
  }

  test('are never too old, and clients cannot make them so', async () => {
    expect((await create(OFFSETS, { 'cleanup.policy': 'delete' }))?.errorCode).toBe(
      errorCode.INVALID_TOPIC_EXCEPTION,
    )
    await create('t')
    await write('t', 'a')
    await connection.request(offsetCommit, {
      groupId: 'g',
      memberId: '',
      generationIdOrMemberEpoch: -1,
      topics: [
        {
          name: 't',
          partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }],
        },
      ],
    })
    expect((await alter(OFFSETS, {}))?.errorCode).toBe(errorCode.INVALID_REQUEST)
    const { topics } = await connection.request(deleteRecords, {
      topics: [{ name: OFFSETS, partitions: [{ partitionIndex: 0, offset: -1 }] }],
      timeoutMs: 1000,
    })
    expect(topics[0]?.partitions[0]?.errorCode).toBe(errorCode.POLICY_VIOLATION)

    aheadMs = 400 * DAY_MS
    // One look goes through all topics by name: this one comes after the topic of offsets.
    while ((await earliest('t')) === 0) await new Promise(done => setImmediate(done))
    await broker.close()
    broker = await startBroker({ platform, data })
    connection = await broker.connector()(broker.address)
    expect(await committed()).toBe(1)
  })
})

describe('settings of Apache Kafka that need no action here', () => {
  test.each([
    ['min.insync.replicas', '1'],
    ['compression.type', 'producer'],
    ['compression.lz4.level', '12'],
    ['delete.retention.ms', '100'],
    ['file.delete.delay.ms', '0'],
    ['flush.messages', '1'],
    ['flush.ms', '1000'],
    ['leader.replication.throttled.replicas', '0:1'],
    ['max.compaction.lag.ms', '9223372036854775807'],
    ['message.timestamp.after.max.ms', '9223372036854775807'],
    ['min.cleanable.dirty.ratio', '0.01'],
    ['min.compaction.lag.ms', '60000'],
    ['preallocate', 'true'],
    ['remote.storage.enable', 'false'],
    ['retention.ms', '9223372036854775807'],
    ['segment.index.bytes', '1048576'],
    ['segment.jitter.ms', '1000'],
    ['unclean.leader.election.enable', 'true'],
  ])('%s=%s is kept and described', async (name, value) => {
    expect(await create('t', { [name]: value })).toMatchObject({ errorCode: errorCode.NONE })
    const entry = (await describeTopic('t')).get(name)
    expect(entry).toMatchObject({ value, configSource: 1, readOnly: false })
    expect(entry?.documentation).not.toBe('')
  })

  test.each([
    ['min.insync.replicas', '2', 'there is one broker'],
    ['compression.type', 'brotli', 'must be one of producer, uncompressed, gzip'],
    ['compression.gzip.level', '0', 'from 1 to 9'],
    ['compression.zstd.level', '23', 'from -131072 to 22'],
    ['compression.lz4.level', '1.5', 'from 1 to 17'],
    ['max.compaction.lag.ms', '0', 'a whole number from 1'],
    ['remote.storage.enable', 'true', 'there is no tiered storage'],
    ['min.cleanable.dirty.ratio', '2', 'a number from 0 to 1'],
    ['preallocate', 'yes', 'must be "true" or "false"'],
    ['flush.messages', '0', 'a whole number from 1'],
    ['message.format.version', '3.0', 'is not known to this broker'],
  ])('%s=%s is refused and the reason told', async (name, value, why) => {
    const answer = await create('t', { [name]: value })
    expect(answer?.errorCode).toBe(errorCode.INVALID_CONFIG)
    expect(answer?.errorMessage).toContain(name)
    expect(answer?.errorMessage).toContain(why)
  })

  test('items are appended to and taken from lists', async () => {
    await create('t')
    const change = async (configOperation: number, name: string, value: string) => {
      const { responses } = await connection.request(incrementalAlterConfigs, {
        resources: [
          { resourceType: TOPIC, resourceName: 't', configs: [{ name, configOperation, value }] },
        ],
        validateOnly: false,
      })
      expect(responses[0]?.errorCode).toBe(errorCode.NONE)
      return (await describeTopic('t')).get(name)?.value
    }
    const name = 'leader.replication.throttled.replicas'
    expect(await change(2, name, '0:1')).toBe('0:1')
    expect(await change(2, name, '1:1,0:1')).toBe('1:1,0:1')
    expect(await change(3, name, '1:1')).toBe('0:1')
    expect(await change(2, 'cleanup.policy', 'compact')).toBe('delete,compact')
    expect(await change(3, 'cleanup.policy', 'delete')).toBe('compact')
  })
})
