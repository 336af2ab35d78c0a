/** Transactions as @platformatic/kafka makes them. */
import { Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { createTopic, readCommitted } from './transactional-requests.ts'

let broker: RunningBroker
let connection: Awaited<ReturnType<ReturnType<RunningBroker['connector']>>>
const open: { close(force?: boolean): Promise<unknown> }[] = []

beforeEach(async () => {
  broker = await startBroker()
  connection = await broker.connector()(broker.address)
  await createTopic(connection, 'out', 2)
  await createTopic(connection, 'in', 1)
})

afterEach(async () => {
  await Promise.all(open.splice(0).map(client => client.close()))
  await connection.close()
  await broker.close()
})

function transactional(transactionalId: string) {
  const producer = new Producer({
    clientId: 'test',
    bootstrapBrokers: [broker.bootstrap],
    serializers: stringSerializers,
    idempotent: true,
    transactionalId,
    retries: 5,
    retryDelay: 20,
    timeout: 60_000,
  })
  open.push(producer)
  return producer
}

function messages(...values: string[]) {
  return values.map((value, n) => ({ topic: 'out', partition: n % 2, key: 'k', value }))
}

async function committed(): Promise<string[]> {
  const partitions = await Promise.all([0, 1].map(n => readCommitted(connection, 'out', n)))
  return partitions.flatMap(({ values }) => values).sort()
}

test('what is committed is read, and what is aborted is not', async () => {
  const producer = transactional('one')
  for (const name of ['a', 'b', 'c']) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: messages(`${name}1`, `${name}2`) })
    await transaction.send({ messages: messages(`${name}3`) })
    if (name === 'b') await transaction.abort()
    else await transaction.commit()
  }
  expect(await committed()).toEqual(['a1', 'a2', 'a3', 'c1', 'c2', 'c3'])
})

test('a producer that starts with the same id shuts out the one before', async () => {
  const before = transactional('one')
  const lost = await before.beginTransaction()
  await lost.send({ messages: messages('lost') })
  const after = transactional('one')
  const transaction = await after.beginTransaction()
  await transaction.send({ messages: messages('kept') })
  await transaction.commit()
  await expect(lost.commit()).rejects.toThrow()
  expect(await committed()).toEqual(['kept'])
})

test('offsets of a consumer are committed with the records', async () => {
  const plain = transactional('source')
  const source = await plain.beginTransaction()
  await source.send({
    messages: ['x', 'y', 'z'].map(value => ({ topic: 'in', partition: 0, key: 'k', value })),
  })
  await source.commit()

  const consumer = new Consumer({
    clientId: 'test',
    groupId: 'g',
    bootstrapBrokers: [broker.bootstrap],
    deserializers: stringDeserializers,
  })
  open.push(consumer)
  const producer = transactional('one')
  const stream = await consumer.consume({
    topics: ['in'],
    mode: 'earliest',
    autocommit: false,
    maxWaitTime: 50,
  })
  let count = 0
  for await (const message of stream) {
    const transaction = await producer.beginTransaction()
    await transaction.addConsumer(consumer)
    await transaction.send({ messages: messages(message.value) })
    await transaction.addOffset(message)
    if (message.value === 'z') await transaction.abort()
    else await transaction.commit()
    if (++count === 3) break
  }
  const offsets = await consumer.listCommittedOffsets({
    topics: [{ topic: 'in', partitions: [0] }],
  })
  expect(offsets.get('in')).toEqual([2n])
  expect(await committed()).toEqual(['x', 'y'])
})
