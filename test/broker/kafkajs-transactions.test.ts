/** Transactions as kafkajs makes them: committed, aborted, with offsets, timed out, fenced, and over a restart of the broker. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'

let data: string
let broker: RunningBroker
let kafka: Kafka
let admin: Admin
const open: { disconnect(): Promise<void> }[] = []

beforeEach(async () => {
  readers = 0
  data = mkdtempSync(join(tmpdir(), 'millrace-transactions-'))
  broker = await startBroker({ data })
  kafka = new Kafka({
    brokers: [broker.bootstrap],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 100, retries: 20 },
  })
  admin = kafka.admin()
  open.push(admin)
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'out', numPartitions: 3 }, { topic: 'in' }] })
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(client => client.disconnect()))
  await broker.close()
  rmSync(data, { recursive: true, force: true })
})

async function restartBroker(): Promise<void> {
  const { port } = broker.address
  await broker.close()
  broker = await startBroker({ data, port })
}

async function transactional(transactionalId: string, transactionTimeout = 30_000) {
  const producer = kafka.producer({
    transactionalId,
    transactionTimeout,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  open.push(producer)
  await producer.connect()
  return producer
}

function spread(...values: string[]) {
  return values.map((value, n) => ({ value, partition: n % 3 }))
}

let readers: number

/** Everything that a reader of committed records gets, sorted; the last of each partition must be a committed `end`. */
async function committed(): Promise<string[]> {
  const ending = await transactional(`ending-${++readers}`)
  const last = await ending.transaction()
  await last.send({ topic: 'out', messages: spread('end', 'end', 'end') })
  await last.commit()
  const consumer = kafka.consumer({ groupId: `reader-${readers}`, maxWaitTimeInMs: 50 })
  open.push(consumer)
  await consumer.connect()
  await consumer.subscribe({ topic: 'out', fromBeginning: true })
  const values: string[] = []
  const ends = Promise.withResolvers<void>()
  let left = 3 * readers
  await consumer.run({
    eachMessage: async ({ message }) => {
      const value = message.value?.toString() ?? ''
      if (value !== 'end') values.push(value)
      else if (--left === 0) ends.resolve()
    },
  })
  await ends.promise
  return values.sort()
}

async function committedOffset(groupId: string): Promise<string | undefined> {
  const [answer] = await admin.fetchOffsets({ groupId, topics: ['in'] })
  return answer?.partitions[0]?.offset
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'NONE',
    (error: unknown) => {
      if (error instanceof Error && 'type' in error) return String(error.type)
      throw error
    },
  )
}

test('what is committed is read, and what is aborted is not', async () => {
  const producer = await transactional('one')
  for (const name of ['a', 'b', 'c', 'd']) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'out', messages: spread(`${name}1`, `${name}2`) })
    await transaction.send({ topic: 'out', messages: spread(`${name}3`, `${name}4`, `${name}5`) })
    if (name < 'c') await transaction.commit()
    else await transaction.abort()
  }
  const values = ['a', 'b'].flatMap(name => [1, 2, 3, 4, 5].map(n => `${name}${n}`))
  expect(await committed()).toEqual(values)
})

test('offsets are committed with the records', async () => {
  const producer = await transactional('one')
  const offsets = (offset: string) => ({
    consumerGroupId: 'g',
    topics: [{ topic: 'in', partitions: [{ partition: 0, offset }] }],
  })
  const first = await producer.transaction()
  await first.send({ topic: 'out', messages: spread('a') })
  await first.sendOffsets(offsets('5'))
  await first.commit()
  expect(await committedOffset('g')).toBe('5')
  const second = await producer.transaction()
  await second.send({ topic: 'out', messages: spread('b') })
  await second.sendOffsets(offsets('9'))
  await second.abort()
  expect(await committedOffset('g')).toBe('5')
  expect(await committed()).toEqual(['a'])
})

test('a producer that starts with the same id shuts out the one before', async () => {
  const before = await transactional('one')
  const lost = await before.transaction()
  await lost.send({ topic: 'out', messages: spread('lost') })
  const after = await transactional('one')
  const transaction = await after.transaction()
  await transaction.send({ topic: 'out', messages: spread('kept') })
  await transaction.commit()
  expect(await codeOf(lost.commit())).toBe('INVALID_PRODUCER_EPOCH')
  expect(await committed()).toEqual(['kept'])
})

test('a transaction that takes too long is aborted', async () => {
  const producer = await transactional('one', 200)
  const slow = await producer.transaction()
  await slow.send({ topic: 'out', messages: spread('slow', 'slow') })
  expect(await committed(), 'readers wait for the timeout').toEqual([])
  expect(await codeOf(slow.commit())).toBe('INVALID_PRODUCER_EPOCH')
})

test('a transaction goes on when the broker was restarted in it', async () => {
  const producer = await transactional('one')
  const transaction = await producer.transaction()
  await transaction.send({ topic: 'out', messages: spread('before') })
  await restartBroker()
  await transaction.send({ topic: 'out', messages: spread('after', 'after') })
  await transaction.commit()
  expect(await committed()).toEqual(['after', 'after', 'before'])
})

test('several producers at once, each with its own transactions', async () => {
  const work = async (producer: Producer, name: string): Promise<string[]> => {
    const kept: string[] = []
    for (let n = 0; n < 15; n++) {
      const transaction = await producer.transaction()
      const values = [`${name}${n}`, `${name}${n}`]
      await transaction.send({ topic: 'out', messages: spread(...values) })
      if (n % 3 === 2) {
        await transaction.abort()
      } else {
        await transaction.commit()
        kept.push(...values)
      }
    }
    return kept
  }
  const producers = await Promise.all(['p', 'q', 'r'].map(name => transactional(name)))
  const kept = await Promise.all(producers.map((producer, n) => work(producer, `${n}:`)))
  expect(await committed()).toEqual(kept.flat().sort())
})
