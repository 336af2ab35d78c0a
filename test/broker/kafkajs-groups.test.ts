/** What a kafkajs consumer does besides reading on: members that come, go and fall silent, positions set by hand. */
import { type Admin, type Consumer, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { offsetCommit } from '../../src/protocol/messages/08-offset-commit.ts'

let broker: RunningBroker
let kafka: Kafka
let admin: Admin
let producer: Producer
const open: Consumer[] = []

beforeAll(async () => {
  broker = await startBroker()
  const retry = { initialRetryTime: 20, maxRetryTime: 100, retries: 20 }
  kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry })
  admin = kafka.admin()
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await admin.connect()
  await producer.connect()
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(consumer => consumer.disconnect()))
})

afterAll(async () => {
  await producer.disconnect()
  await admin.disconnect()
  await broker.close()
})

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(done => setImmediate(done))
}

async function topicWith(topic: string, partitions: number, records: number): Promise<void> {
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
  await write(topic, partitions, records)
}

async function write(topic: string, partitions: number, records: number): Promise<void> {
  const messages = Array.from({ length: records }, (_, n) => ({
    partition: n % partitions,
    value: `${n}`,
  }))
  await producer.send({ topic, messages })
}

async function subscribed(topic: string, groupId: string, sessionTimeout = 10_000) {
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout,
    heartbeatInterval: 20,
    // kafkajs sends heartbeats between fetches only: a long poll would put off every rebalance.
    maxWaitTimeInMs: 50,
  })
  open.push(consumer)
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  return consumer
}

test('members that come, leave and fall silent: the others have all partitions and read every record', async () => {
  const topic = 'shared'
  await topicWith(topic, 6, 60)
  const seen = new Set<string>()
  const assigned: number[][] = []
  const silent = Promise.withResolvers<void>()
  let silentIsMeant = false

  async function start(member: number, sessionTimeout?: number): Promise<Consumer> {
    const consumer = await subscribed(topic, 'sharing', sessionTimeout)
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      assigned[member] = payload.memberAssignment[topic] ?? []
    })
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        if (silentIsMeant && member === 1) return silent.promise
        seen.add(`${partition}:${message.offset}`)
      },
    })
    return consumer
  }
  const share = (member: number): number => assigned[member]?.length ?? 0

  await start(0)
  await until(() => seen.size === 60)
  // Short, because it is the one that will not be heard of any more.
  await start(1, 500)
  const third = await start(2)
  await until(() => share(0) === 2 && share(1) === 2 && share(2) === 2)
  expect(new Set(assigned.flat()).size).toBe(6)
  await write(topic, 6, 60)
  await until(() => seen.size === 120)

  await third.disconnect()
  await until(() => share(0) === 3 && share(1) === 3)
  silentIsMeant = true
  await write(topic, 6, 60)
  await until(() => share(0) === 6)
  await until(() => seen.size === 180)
  silent.resolve()
})

test('batches are taken in parts, paused, and positions set and committed by hand', async () => {
  const topic = 'by-hand'
  const groupId = 'by-hand'
  await topicWith(topic, 1, 50)
  const consumer = await subscribed(topic, groupId)
  const got: string[] = []
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async payload => {
      for (const { offset } of payload.batch.messages.slice(0, 20)) {
        got.push(offset)
        payload.resolveOffset(offset)
      }
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets())
    },
  })
  await until(() => got.length === 50)
  expect(got).toEqual(Array.from({ length: 50 }, (_, offset) => `${offset}`))

  consumer.pause([{ topic }])
  await write(topic, 1, 5)
  expect(consumer.paused()).toEqual([{ topic, partitions: [0] }])
  consumer.resume([{ topic }])
  await until(() => got.length === 55)

  consumer.seek({ topic, partition: 0, offset: '10' })
  await until(() => got.length === 100)
  expect(got.slice(55)).toEqual(Array.from({ length: 45 }, (_, n) => `${n + 10}`))

  await consumer.commitOffsets([{ topic, partition: 0, offset: '33', metadata: 'why' }])
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] })
  expect(answer?.partitions).toEqual([{ partition: 0, offset: '33', metadata: 'why' }])
})

test('an offset that the log does not have is left for the first one', async () => {
  await topicWith('short', 1, 3)
  // kafkajs itself would take five seconds to set it.
  const connection = await broker.connector()(broker.address)
  const partitions = [{ partitionIndex: 0, committedOffset: 999, committedMetadata: null }]
  await connection.request(offsetCommit, {
    groupId: 'too-far',
    memberId: '',
    generationIdOrMemberEpoch: -1,
    topics: [{ name: 'short', partitions }],
  })
  await connection.close()
  const consumer = await subscribed('short', 'too-far')
  const got: string[] = []
  await consumer.run({
    eachMessage: async ({ message }) => {
      got.push(message.offset)
    },
  })
  await until(() => got.length === 3)
  expect(got).toEqual(['0', '1', '2'])
})

test('a group with members is not deleted, one without is, and then it is not known', async () => {
  const topic = 'deleted'
  const groupId = 'deleted'
  await topicWith(topic, 1, 10)
  const consumer = await subscribed(topic, groupId)
  let count = 0
  await consumer.run({
    eachMessage: async () => {
      count++
    },
  })
  await until(() => count === 10)
  await expect(admin.deleteGroups([groupId])).rejects.toMatchObject({
    groups: [{ groupId, errorCode: errorCode.NON_EMPTY_GROUP }],
  })
  await consumer.disconnect()
  expect(await admin.deleteGroups([groupId])).toMatchObject([{ groupId, errorCode: 0 }])
  await expect(admin.deleteGroups([groupId])).rejects.toMatchObject({
    groups: [{ groupId, errorCode: errorCode.GROUP_ID_NOT_FOUND }],
  })
})

test('topics are placed by hand, and a trial creates nothing', async () => {
  const assigned = {
    topic: 'placed',
    replicaAssignment: [
      { partition: 0, replicas: [1] },
      { partition: 1, replicas: [1] },
    ],
  }
  // The wait for leaders would be for a topic that is not made.
  const trial = { validateOnly: true, waitForLeaders: false, topics: [assigned] }
  expect(await admin.createTopics(trial)).toBe(true)
  expect(await admin.listTopics()).not.toContain('placed')
  expect(await admin.createTopics({ topics: [assigned] })).toBe(true)
  expect(await admin.fetchTopicOffsets('placed')).toHaveLength(2)
  await expect(
    admin.createTopics({
      topics: [{ topic: 'elsewhere', replicaAssignment: [{ partition: 0, replicas: [2] }] }],
    }),
  ).rejects.toMatchObject({ errors: [{ type: 'INVALID_REPLICA_ASSIGNMENT' }] })
})
