/** Compaction as clients see it: a kafkajs consumer on a compacted topic, and the topic of committed offsets. */
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'
import { temporaryFolder } from './log/log-world.ts'

const config = {
  logRetentionCheckIntervalMs: 20,
  offsetsTopicSegmentBytes: 4000,
  offsetsTopicNumPartitions: 1,
}

let data: string
let broker: RunningBroker
let kafka: Kafka
let admin: Admin
let producer: Producer

async function start(): Promise<void> {
  broker = await startBroker({ data, config })
  const retry = { initialRetryTime: 20, maxRetryTime: 100, retries: 20 }
  kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry })
  admin = kafka.admin()
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await admin.connect()
  await producer.connect()
}

async function stop(): Promise<void> {
  await producer.disconnect()
  await admin.disconnect()
  await broker.close()
}

beforeEach(async () => {
  data = temporaryFolder()
  await start()
})
afterEach(stop)

function logBytes(partition: string): number {
  const folder = path.join(data, 'logs', partition)
  const logs = readdirSync(folder).filter(name => name.endsWith('.log'))
  return logs.reduce((sum, name) => {
    // The broker may just have replaced it.
    const size = statSync(path.join(folder, name), { throwIfNoEntry: false })?.size ?? 0
    return sum + size
  }, 0)
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(done => setImmediate(done))
}

test('kafkajs reads a compacted topic to its end from every offset', async () => {
  const topic = 'table'
  const settings = {
    'cleanup.policy': 'compact',
    'segment.bytes': '600',
    'min.cleanable.dirty.ratio': '0',
  }
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic, configEntries }] })
  const rounds = 60
  for (let n = 0; n < rounds; n++) {
    const messages = ['a', 'b', 'c'].map(key => ({ key, value: `${key} ${n}` }))
    await producer.send({ topic, messages })
  }
  // 60 batches are 7 kB.
  await until(() => logBytes('table-0') < 2600)

  for (const from of [0, 1, 31, 100, 170]) {
    const consumer = kafka.consumer({ groupId: `from-${from}`, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const table = new Map<string, string>()
    let last = -1
    await consumer.run({
      async eachMessage({ message }) {
        expect(Number(message.offset)).toBeGreaterThan(last)
        last = Number(message.offset)
        table.set(message.key?.toString() ?? '', message.value?.toString() ?? '')
      },
    })
    consumer.seek({ topic, partition: 0, offset: `${from}` })
    await until(() => last === rounds * 3 - 1)
    await consumer.disconnect()
    expect(Object.fromEntries(table)).toEqual({ a: 'a 59', b: 'b 59', c: 'c 59' })
  }
})

test('a record without a key is refused for a compacted topic', async () => {
  const topic = 'keys'
  const configEntries = [{ name: 'cleanup.policy', value: 'compact,delete' }]
  await admin.createTopics({ topics: [{ topic, configEntries }] })
  const sent = producer.send({ topic, messages: [{ value: 'no key' }] })
  await expect(sent).rejects.toMatchObject({ code: 87 })
  await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] })
})

test('the topic of committed offsets shrinks, and the offsets are there after a restart', async () => {
  const topic = 'input'
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
  // kafkajs itself would take five seconds for each.
  const connection = await broker.connector()(broker.address)
  const commit = async (groupId: string, committedOffset: number): Promise<void> => {
    const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: null }]
    const { topics } = await connection.request(offsetCommit, {
      groupId,
      memberId: '',
      generationIdOrMemberEpoch: -1,
      topics: [{ name: topic, partitions }],
    })
    expect(topics[0]?.partitions[0]?.errorCode).toBe(0)
  }
  await commit('quiet', 7)
  for (let n = 0; n < 400; n++) await commit('busy', n)
  await connection.close()
  // 400 commits are 40 kB.
  await until(() => logBytes('__consumer_offsets-0') < 8000)
  const offsets = async (groupId: string): Promise<string | undefined> => {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return found?.partitions.find(({ partition }) => partition === 0)?.offset
  }
  expect([await offsets('quiet'), await offsets('busy')]).toEqual(['7', '399'])
  await stop()
  await start()
  expect([await offsets('quiet'), await offsets('busy')]).toEqual(['7', '399'])
})
