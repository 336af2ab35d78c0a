/**
 * kafkajs is what users hold on the other end of a topic: its producer, group consumer and admin client must work against
 * the broker over TCP as they do against Apache Kafka.
 */
import {
  type Admin,
  AssignerProtocol,
  CompressionTypes,
  ConfigResourceTypes,
  type Consumer,
  Kafka,
  logLevel,
  Partitioners,
  type Producer,
} from 'kafkajs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'

let broker: RunningBroker
let kafka: Kafka
let admin: Admin
const open: { disconnect(): Promise<void> }[] = []

beforeAll(async () => {
  broker = await startBroker()
  kafka = new Kafka({
    brokers: [broker.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, retries: 8 },
  })
  admin = kafka.admin()
  await admin.connect()
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(client => client.disconnect()))
})

afterAll(async () => {
  await admin.disconnect()
  await broker.close()
})

async function producer(options: { idempotent?: boolean } = {}): Promise<Producer> {
  const made = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, ...options })
  open.push(made)
  await made.connect()
  return made
}

async function consumer(groupId: string): Promise<Consumer> {
  const made = kafka.consumer({
    groupId,
    heartbeatInterval: 20,
    sessionTimeout: 10_000,
    // kafkajs sends heartbeats between fetches only: a long poll would put off every rebalance.
    maxWaitTimeInMs: 50,
  })
  open.push(made)
  await made.connect()
  return made
}

interface Seen {
  readonly partition: number
  readonly offset: string
  readonly value: string
}

/** Reads a topic from its start in a group until there are `count` records. */
async function readAll(topic: string, groupId: string, count: number): Promise<Seen[]> {
  const reader = await consumer(groupId)
  await reader.subscribe({ topic, fromBeginning: true })
  const seen: Seen[] = []
  const enough = Promise.withResolvers<void>()
  await reader.run({
    eachMessage: async ({ partition, message }) => {
      seen.push({ partition, offset: message.offset, value: message.value?.toString() ?? '' })
      if (seen.length === count) enough.resolve()
    },
  })
  await enough.promise
  return seen
}

describe('producer', () => {
  test('what is produced is read back with key, value, headers, timestamp, in order', async () => {
    const writer = await producer()
    const [sent] = await writer.send({
      topic: 'written',
      messages: [
        { key: 'a', value: 'one', timestamp: '1700000000000', headers: { kind: 'first' } },
        { key: null, value: 'two' },
        { key: 'c', value: null },
      ],
    })
    expect(sent).toMatchObject({ topicName: 'written', errorCode: 0, baseOffset: '0' })

    const reader = await consumer('reads-written')
    await reader.subscribe({ topic: 'written', fromBeginning: true })
    const seen: object[] = []
    const enough = Promise.withResolvers<void>()
    await reader.run({
      eachMessage: async ({ message: { key, value, headers, timestamp, offset } }) => {
        seen.push({
          key: key?.toString() ?? null,
          value: value?.toString() ?? null,
          kind: headers?.['kind']?.toString(),
          timestamp: offset === '0' ? timestamp : 'now',
          offset,
        })
        if (seen.length === 3) enough.resolve()
      },
    })
    await enough.promise
    expect(seen).toEqual([
      { key: 'a', value: 'one', kind: 'first', timestamp: '1700000000000', offset: '0' },
      { key: null, value: 'two', kind: undefined, timestamp: 'now', offset: '1' },
      { key: 'c', value: null, kind: undefined, timestamp: 'now', offset: '2' },
    ])
  })

  test('an idempotent producer with gzip writes every record once', async () => {
    await admin.createTopics({ topics: [{ topic: 'idempotent', numPartitions: 3 }] })
    const writer = await producer({ idempotent: true })
    for (let batch = 0; batch < 20; batch++) {
      await writer.send({
        topic: 'idempotent',
        compression: CompressionTypes.GZIP,
        messages: Array.from({ length: 10 }, (_, i) => ({
          key: `k${i}`,
          value: `${batch}-${i}`,
        })),
      })
    }
    const seen = await readAll('idempotent', 'reads-idempotent', 200)
    expect(new Set(seen.map(({ value }) => value)).size).toBe(200)
  })

  test('acks 0 and acks 1 are written too', async () => {
    const writer = await producer()
    await writer.send({ topic: 'acks', acks: 0, messages: [{ value: 'zero' }] })
    await writer.send({ topic: 'acks', acks: 1, messages: [{ value: 'one' }] })
    const seen = await readAll('acks', 'reads-acks', 2)
    expect(seen.map(({ value }) => value)).toEqual(['zero', 'one'])
  })

  test('a record larger than max.message.bytes is refused and the next one is taken', async () => {
    await admin.createTopics({
      topics: [
        {
          topic: 'small',
          configEntries: [{ name: 'max.message.bytes', value: '2000' }],
        },
      ],
    })
    const writer = await producer()
    await expect(
      writer.send({ topic: 'small', messages: [{ value: 'x'.repeat(5000) }] }),
    ).rejects.toMatchObject({ type: 'MESSAGE_TOO_LARGE' })
    await writer.send({ topic: 'small', messages: [{ value: 'fits' }] })
  })
})

describe('group consumer', () => {
  test('two members share the partitions, and one takes all over when the other leaves', async () => {
    await admin.createTopics({ topics: [{ topic: 'shared', numPartitions: 4 }] })
    const writer = await producer()
    const write = (value: string) =>
      writer.send({
        topic: 'shared',
        messages: [0, 1, 2, 3].map(partition => ({ partition, value: `${value}-${partition}` })),
      })

    const seen: { member: string; value: string }[] = []
    const waiting: { count: number; resolve: () => void }[] = []
    const until = (count: number): Promise<void> =>
      new Promise(resolve => {
        waiting.push({ count, resolve })
        check()
      })
    const check = (): void => {
      for (const wait of waiting) if (seen.length >= wait.count) wait.resolve()
    }
    const start = async (member: string): Promise<Consumer> => {
      const made = await consumer('sharing')
      await made.subscribe({ topic: 'shared', fromBeginning: true })
      await made.run({
        eachMessage: async ({ message }) => {
          seen.push({ member, value: message.value?.toString() ?? '' })
          check()
        },
      })
      return made
    }
    const joined = (made: Consumer, partitions: number): Promise<void> =>
      new Promise(resolve => {
        made.on(made.events.GROUP_JOIN, ({ payload }) => {
          if ((payload.memberAssignment['shared'] ?? []).length === partitions) resolve()
        })
      })

    const first = await start('first')
    await write('a')
    await until(4)
    expect(seen.map(({ member }) => member)).toEqual(['first', 'first', 'first', 'first'])

    const halves = joined(first, 2)
    const second = await start('second')
    await halves
    await write('b')
    await until(8)
    const secondRound = seen.slice(4)
    expect(secondRound.filter(({ member }) => member === 'first')).toHaveLength(2)
    expect(secondRound.filter(({ member }) => member === 'second')).toHaveLength(2)

    const { groups } = await admin.describeGroups(['sharing'])
    expect(groups[0]).toMatchObject({ state: 'Stable', protocolType: 'consumer' })
    const assigned = groups[0]?.members.flatMap(
      ({ memberAssignment }) =>
        AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment['shared'] ?? [],
    )
    expect(assigned?.sort()).toEqual([0, 1, 2, 3])

    const everything = joined(first, 4)
    await second.disconnect()
    await everything
    await write('c')
    await until(12)
    expect(seen.slice(8).map(({ member }) => member)).toEqual(Array(4).fill('first'))
    const values = seen.map(({ value }) => value)
    expect(new Set(values).size).toBe(12)
  })

  test('a group goes on where it stopped', async () => {
    const writer = await producer()
    await writer.send({ topic: 'resumed', messages: [{ value: '1' }, { value: '2' }] })
    expect(await readAll('resumed', 'resumes', 2)).toHaveLength(2)
    await open.pop()?.disconnect()
    const offsets = await admin.fetchOffsets({ groupId: 'resumes', topics: ['resumed'] })
    expect(offsets[0]?.partitions).toMatchObject([{ partition: 0, offset: '2' }])
    await writer.send({ topic: 'resumed', messages: [{ value: '3' }] })
    expect((await readAll('resumed', 'resumes', 1)).map(({ value }) => value)).toEqual(['3'])
  })
})

describe('admin', () => {
  test('topics are created, listed, described, given partitions and deleted', async () => {
    expect(await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 2 }] })).toBe(true)
    expect(await admin.createTopics({ topics: [{ topic: 'kept' }] })).toBe(false)
    expect(await admin.listTopics()).toContain('kept')
    await admin.createPartitions({ topicPartitions: [{ topic: 'kept', count: 5 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['kept'] })
    expect(topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()).toEqual([
      0, 1, 2, 3, 4,
    ])
    await admin.deleteTopics({ topics: ['kept'] })
    expect(await admin.listTopics()).not.toContain('kept')
  })

  test.each([
    ['bad name!', 1, 1, 'INVALID_TOPIC_EXCEPTION'],
    ['no-partitions', 0, 1, 'INVALID_PARTITIONS'],
    ['three-replicas', 1, 3, 'INVALID_REPLICATION_FACTOR'],
  ])('topic %j with %i partitions, %i replicas is refused: %s', async (...args) => {
    const [topic, numPartitions, replicationFactor, type] = args
    await expect(
      admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor }] }),
    ).rejects.toMatchObject({ errors: [{ type }] })
  })

  test('settings of topics are shown, changed, and refused when they are not known', async () => {
    const topic = 'configured'
    await admin.createTopics({
      topics: [{ topic, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    })
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [
            { name: 'cleanup.policy', value: 'compact' },
            { name: 'retention.ms', value: '60000' },
          ],
        },
      ],
    })
    const { resources } = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
    })
    const values = Object.fromEntries(
      (resources[0]?.configEntries ?? []).map(entry => [entry.configName, entry.configValue]),
    )
    expect(values).toMatchObject({
      'cleanup.policy': 'compact',
      'max.message.bytes': '1048588',
      'message.timestamp.type': 'CreateTime',
      'retention.bytes': '-1',
      'retention.ms': '60000',
      'segment.bytes': '1073741824',
      'segment.ms': '604800000',
    })
    await expect(
      admin.createTopics({
        topics: [{ topic: 'odd', configEntries: [{ name: 'no.such.setting', value: '1' }] }],
      }),
    ).rejects.toMatchObject({ errors: [{ type: 'INVALID_CONFIG' }] })
  })

  test('settings of the broker are shown', async () => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.BROKER, name: '1' }],
    })
    const entries = resources[0]?.configEntries ?? []
    expect(entries.find(entry => entry.configName === 'num.partitions')).toMatchObject({
      configValue: '1',
      readOnly: true,
    })
  })

  test('LogAppendTime stamps records with the time of the broker', async () => {
    await admin.createTopics({
      topics: [
        {
          topic: 'stamped',
          configEntries: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }],
        },
      ],
    })
    const writer = await producer()
    const before = Date.now()
    const [sent] = await writer.send({
      topic: 'stamped',
      messages: [{ value: 'x', timestamp: '5' }],
    })
    expect(Number(sent?.logAppendTime)).toBeGreaterThanOrEqual(before)
  })

  test('offsets by time, deleted records and the offsets of a topic', async () => {
    const topic = 'timed'
    const writer = await producer()
    await writer.send({
      topic,
      messages: [100, 200, 300].map(at => ({ value: `${at}`, timestamp: `${at}` })),
    })
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, 150)).toMatchObject([{ offset: '1' }])
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '2' }] })
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: '2', high: '3' }])
    await expect(
      admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '9' }] }),
    ).rejects.toThrow()
  })

  test('offsets of a group are set, also to -1, listed, and go with their group or topic', async () => {
    const topic = 'administered'
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    await admin.setOffsets({
      groupId: 'administers',
      topic,
      partitions: [
        { partition: 0, offset: '7' },
        { partition: 1, offset: '-1' },
      ],
    })
    const [fetched] = await admin.fetchOffsets({ groupId: 'administers', topics: [topic] })
    expect(fetched?.partitions.map(({ offset }) => offset)).toEqual(['7', '-1'])
    const { groups } = await admin.listGroups()
    expect(groups.map(({ groupId }) => groupId)).toContain('administers')
    await admin.deleteTopics({ topics: [topic] })
    expect(await admin.fetchOffsets({ groupId: 'administers' })).toEqual([])
    await admin.deleteGroups(['administers'])
    await expect(admin.deleteGroups(['administers'])).rejects.toMatchObject({
      groups: [{ groupId: 'administers', errorCode: 69 }],
    })
  })

  test('the cluster names itself and its one broker', async () => {
    const { brokers, clusterId, controller } = await admin.describeCluster()
    expect(clusterId).toBe(broker.clusterId)
    expect(brokers).toEqual([{ nodeId: 1, ...broker.address }])
    expect(controller).toBe(1)
  })
})
