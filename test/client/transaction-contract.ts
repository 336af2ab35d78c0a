import { describe, expect, test } from 'vitest'
import type {
  GroupMember,
  LogClient,
  OffsetCommitter,
  TransactionalProducer,
} from '../../src/client/log-client.ts'
import { MillraceError } from '../../src/errors.ts'
import { newTopic } from './contract-world.ts'
import type { ContractWorld } from './contract-world.ts'
import { lossyConnector } from './lossy-connector.ts'
import { batchOf, committedValuesOf } from './records.ts'

/** What a read_committed reader finds in partition 0 from the beginning up to where it may read. */
async function committed(client: LogClient, topic: string, end: number): Promise<string[]> {
  const consumer = client.consumer({ isolation: 'readCommitted' })
  consumer.assign([{ topic, partition: 0, offset: 0 }])
  const values: string[] = []
  while (consumer.position({ topic, partition: 0 }) < end) {
    for (const { batches, offset } of await consumer.poll(1_000)) {
      values.push(...committedValuesOf(batches, offset))
    }
  }
  await consumer.close()
  return values
}

const send = (producer: TransactionalProducer, topic: string, ...values: string[]) =>
  producer.send([{ topic, partition: 0, batch: batchOf(values) }])

const endOf = async (client: LogClient, topic: string): Promise<number> =>
  (await client.listOffsets([{ topic, partition: 0 }], 'latest'))[0]?.offset ?? -1

/** A member with its share. */
async function joined(client: LogClient, group: string, topic: string): Promise<GroupMember> {
  const ready = Promise.withResolvers<void>()
  const member = client.joinGroup({
    group,
    topics: [topic],
    userData: Buffer.alloc(0),
    protocol: 'test',
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 10_000,
    assign: async members =>
      members.map(({ memberId }) => ({ memberId, partitions: [], userData: Buffer.alloc(0) })),
    assigned: () => ready.resolve(),
    lost: async () => {},
    failed: error => ready.reject(error),
  })
  await ready.promise
  return member
}

export function transactionContract(world: ContractWorld): void {
  describe('a transaction', () => {
    const open = (client: LogClient, transactionalId = world.name('transactional-id')) =>
      client.transactionalProducer({ transactionalId })

    test('is read when it is committed, and never when it is aborted', async () => {
      const { topic, client } = await newTopic(world, 1)
      const producer = await open(client)
      await send(producer, topic, 'a')
      await send(producer, topic, 'b')
      await producer.commit()
      await send(producer, topic, 'never')
      await producer.abort()
      await send(producer, topic, 'c')
      await producer.commit()
      const end = await endOf(client, topic)
      expect(await committed(client, topic, end)).toEqual(['a', 'b', 'c'])
    })

    test('that is open is not read, nor what others write behind it', async () => {
      const { topic, client } = await newTopic(world, 1)
      const producer = await open(client)
      const plain = await client.producer()
      await plain.send([{ topic, partition: 0, batch: batchOf(['before']) }])
      await send(producer, topic, 'open')
      await plain.send([{ topic, partition: 0, batch: batchOf(['behind']) }])
      const consumer = client.consumer({ isolation: 'readCommitted' })
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const [fetched] = await consumer.poll(1_000)
      expect(fetched && committedValuesOf(fetched.batches)).toEqual(['before'])
      expect(fetched).toMatchObject({ nextOffset: 1, highWatermark: 1 })
      expect(await consumer.poll(50)).toEqual([])
      await producer.commit()
      expect(await committed(client, topic, 4)).toEqual(['before', 'open', 'behind'])
    })

    test('spans partitions, in the order of the calls without waiting for each', async () => {
      const { topic, client } = await newTopic(world, 3)
      const producer = await open(client)
      const sent = Array.from({ length: 30 }, (_, i) =>
        producer.send([{ topic, partition: i % 3, batch: batchOf([`${i}`]) }]),
      )
      await producer.commit()
      const offsets = (await Promise.all(sent)).flat()
      expect(offsets.map(({ partition }) => partition)).toEqual(sent.map((_, i) => i % 3))
      expect(await committed(client, topic, 11)).toEqual(
        Array.from({ length: 10 }, (_, i) => `${i * 3}`),
      )
    })

    test('without anything in it ends at once', async () => {
      const producer = await open(world.client())
      await producer.commit()
      await producer.abort()
      await producer.close()
      await expect(producer.send([])).rejects.toMatchObject({ code: 'CLOSED' })
    })

    test('that its successor finds open is aborted, and its producer is fenced', async () => {
      const { topic, client } = await newTopic(world, 1)
      const transactionalId = world.name('transactional-id')
      const first = await open(client, transactionalId)
      await send(first, topic, 'never')
      const second = await open(client, transactionalId)
      await send(second, topic, 'counts')
      await second.commit()
      await expect(send(first, topic, 'late')).rejects.toMatchObject({ code: 'TASK_MIGRATED' })
      await expect(first.commit()).rejects.toMatchObject({ code: 'TASK_MIGRATED' })
      await expect(first.abort()).rejects.toMatchObject({ code: 'TASK_MIGRATED' })
      const end = await endOf(client, topic)
      expect(await committed(client, topic, end)).toEqual(['counts'])
    })

    test('in which something failed can only be aborted, and the next one is sound', async () => {
      const { topic, client } = await newTopic(world, 1)
      const producer = await open(client)
      await send(producer, topic, 'never')
      const large = Buffer.alloc(2_000_000, 'x').toString()
      await expect(send(producer, topic, large)).rejects.toMatchObject({ code: 'LOG_ERROR' })
      await expect(send(producer, topic, 'neither')).rejects.toMatchObject({ code: 'LOG_ERROR' })
      await expect(producer.commit()).rejects.toMatchObject({ code: 'LOG_ERROR' })
      await producer.abort()
      await send(producer, topic, 'counts')
      await producer.commit()
      const end = await endOf(client, topic)
      expect(await committed(client, topic, end)).toEqual(['counts'])
    })

    test('tells of each batch that failed', async () => {
      const { topic, client } = await newTopic(world, 2)
      const producer = await open(client)
      const failures: number[] = []
      const large = Buffer.alloc(2_000_000, 'x').toString()
      const offsets = await producer.send(
        [{ topic, partition: 1, batch: batchOf([large]) }],
        index => failures.push(index),
      )
      expect(failures).toEqual([0])
      expect(offsets).toEqual([{ topic, partition: 1, offset: -1 }])
      await producer.abort()
    })

    test('commits offsets with its records, or neither', async () => {
      const { topic, client } = await newTopic(world, 1)
      const group = world.name('group')
      const member = await joined(client, group, topic)
      const producer = await open(client)
      const partition = { topic, partition: 0 }
      await send(producer, topic, 'never')
      await producer.sendOffsets([{ ...partition, offset: 5, metadata: '' }], member)
      await producer.abort()
      expect(await client.committedOffsets(group, [partition])).toEqual([])
      await send(producer, topic, 'counts')
      const offset = { ...partition, offset: 7, metadata: 'seven' }
      await producer.sendOffsets([offset], member)
      await producer.commit()
      expect(await client.committedOffsets(group, [partition])).toEqual([offset])
      await member.leave()
      expect(() => member.identity()).toThrow('no share')
    })

    test('of a member that the group has moved on from commits nothing', async () => {
      const { topic, client } = await newTopic(world, 1)
      const group = world.name('group')
      const member = await joined(client, group, topic)
      const producer = await open(client)
      const stale: OffsetCommitter = {
        identity: () => ({ ...member.identity(), generation: 77 }),
        renewed: async () => {
          throw new MillraceError('TASK_MIGRATED', 'The member has nothing any more.')
        },
      }
      await send(producer, topic, 'never')
      const offsets = [{ topic, partition: 0, offset: 5, metadata: '' }]
      await expect(producer.sendOffsets(offsets, stale)).rejects.toMatchObject({
        code: 'TASK_MIGRATED',
      })
      await expect(producer.commit()).rejects.toMatchObject({ code: 'TASK_MIGRATED' })
      await producer.abort()
      await send(producer, topic, 'counts')
      await producer.sendOffsets(offsets, member)
      await producer.commit()
      const end = await endOf(client, topic)
      expect(await committed(client, topic, end)).toEqual(['counts'])
    })

    test('is written once, whichever answer is lost', async () => {
      const { topic } = await newTopic(world, 1)
      const apis = [
        'InitProducerId',
        'AddPartitionsToTxn',
        'Produce',
        'AddOffsetsToTxn',
        'TxnOffsetCommit',
        'EndTxn',
      ]
      const lost = new Set(apis)
      const client = world.client(connector => lossyConnector(connector, api => lost.delete(api)))
      const group = world.name('group')
      const member = await joined(client, group, topic)
      const producer = await open(client)
      const offset = { topic, partition: 0, offset: 7, metadata: '' }
      await send(producer, topic, 'once')
      await producer.sendOffsets([offset], member)
      await producer.commit()
      expect(lost.size).toBe(0)
      for (const api of apis) lost.add(api)
      await send(producer, topic, 'never')
      await producer.abort()
      await send(producer, topic, 'twice')
      await producer.commit()
      const end = await endOf(client, topic)
      expect(await committed(client, topic, end)).toEqual(['once', 'twice'])
      expect(await client.committedOffsets(group, [offset])).toEqual([offset])
    })
  })
}
