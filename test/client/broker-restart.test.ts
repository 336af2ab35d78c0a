import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startBroker } from '../../src/broker/start-broker.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import { wireConnector } from '../../src/client/wire-connection.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { batchOf, valuesOf } from './records.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-restart-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

test('producer, consumer and member go on when the broker comes back', async () => {
  let broker = await startBroker({ data })
  const { address } = broker
  const platform = nodePlatform()
  const connector = wireConnector(platform, { clientId: 'test' })
  await using client = createLogClient({ platform, bootstrap: [address], connector })
  await client.createTopics([{ name: 't', partitions: 1 }])
  const partition = { topic: 't', partition: 0 }

  const shares: string[] = []
  let gotShare = Promise.withResolvers<void>()
  const member = client.joinGroup({
    group: 'g',
    topics: ['t'],
    userData: Buffer.alloc(0),
    protocol: 'test',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    assign: async ([only]) => [
      { memberId: only?.memberId ?? '', partitions: [partition], userData: Buffer.alloc(0) },
    ],
    assigned: ({ partitions }) => {
      shares.push(`assigned ${partitions.length}`)
      gotShare.resolve()
    },
    lost: async () => {
      gotShare = Promise.withResolvers()
      shares.push('lost')
    },
    failed: error => gotShare.reject(error),
  })
  await gotShare.promise

  const producer = await client.producer()
  const consumer = client.consumer()
  consumer.assign([{ ...partition, offset: 0 }])
  const read: string[] = []
  const readUntil = async (last: string): Promise<void> => {
    while (read.at(-1) !== last) {
      for (const { batches, offset } of await consumer.poll(1_000)) {
        read.push(...valuesOf(batches, offset))
      }
    }
  }
  await producer.send([{ ...partition, batch: batchOf(['before']) }])
  await readUntil('before')

  await broker.close()
  // Nobody listens now: this is sent again and again until somebody does.
  const sent = ['a', 'b', 'c'].map(value =>
    producer.send([{ ...partition, batch: batchOf([value]) }]),
  )
  const polled = readUntil('c')
  const committed = member.commit([{ ...partition, offset: 1, metadata: '' }])
  broker = await startBroker({ data, port: address.port })
  await Promise.all(sent)
  await polled
  expect(read).toEqual(['before', 'a', 'b', 'c'])

  // Whether the group remembers its member is the broker's affair; the member has its share in the end.
  await committed.catch(async () => {
    await gotShare.promise
    await member.commit([{ ...partition, offset: 1, metadata: '' }])
  })
  const [offset] = await client.committedOffsets('g', [partition])
  expect(offset?.offset).toBe(1)
  expect(shares[0]).toBe('assigned 1')
  expect(shares.at(-1)).toBe('assigned 1')
  await member.leave()
  await broker.close()
})
