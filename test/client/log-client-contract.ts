import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Connector } from '../../src/client/connection.ts'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type {
  CommittedOffset,
  FetchedPartition,
  LogClient,
  LogConsumer,
  PartitionOffset,
  TopicPartition,
} from '../../src/client/log-client.ts'
import { OffsetOutOfRange } from '../../src/client/log-client.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import type { Address } from '../../src/platform/platform.ts'
import { newTopic } from './contract-world.ts'
import type { ContractWorld } from './contract-world.ts'
import { groupContract } from './group-contract.ts'
import { lossyConnector } from './lossy-connector.ts'
import { batchOf, recordsOf, valuesOf } from './records.ts'
import { transactionContract } from './transaction-contract.ts'

/** A log to test clients of. */
export interface LogUnderTest {
  readonly bootstrap: Address[]
  readonly connector: Connector
}

/** Every promise of `LogClient`, for each way of reaching a log. `log` gives the one log that all tests share. */
export function logClientContract(title: string, log: () => Promise<LogUnderTest>): void {
  describe(title, () => {
    const platform = nodePlatform()
    const clients: LogClient[] = []
    let underTest: LogUnderTest
    let names = 0
    beforeAll(async () => {
      underTest = await log()
    })
    afterEach(async () => {
      for (const client of clients.splice(0)) await client.close()
    })
    const world: ContractWorld = {
      client(wrap = connector => connector) {
        const { bootstrap, connector } = underTest
        const client = createLogClient({ platform, bootstrap, connector: wrap(connector) })
        clients.push(client)
        return client
      },
      name: what => `${what}-${(names += 1)}`,
    }
    topicContract(world)
    recordContract(world)
    offsetContract(world)
    groupContract(world)
    transactionContract(world)
  })
}

/** Writes one batch of these values. */
async function write(
  client: LogClient,
  partition: TopicPartition,
  values: readonly string[],
  firstTimestamp?: number,
): Promise<PartitionOffset | undefined> {
  const producer = await client.producer()
  const batch = batchOf(values, firstTimestamp)
  const [at] = await producer.send([{ ...partition, batch }])
  await producer.close()
  return at
}

/** Polls until as many records have come; values by partition. */
async function readValues(consumer: LogConsumer, count: number): Promise<Map<number, string[]>> {
  const found = new Map<number, string[]>()
  let seen = 0
  while (seen < count) {
    for (const { partition, batches, offset } of await consumer.poll(1_000)) {
      const values = valuesOf(batches, offset)
      found.set(partition, [...(found.get(partition) ?? []), ...values])
      seen += values.length
    }
  }
  return found
}

async function firstPoll(consumer: LogConsumer): Promise<FetchedPartition> {
  for (;;) {
    const [fetched] = await consumer.poll(1_000)
    if (fetched !== undefined) return fetched
  }
}

function topicContract(world: ContractWorld): void {
  describe('topics', () => {
    test('are created with their partitions, described, and deleted', async () => {
      const client = world.client()
      const [one, three] = [world.name('topic'), world.name('topic')]
      await client.createTopics([
        { name: one, partitions: 1, configs: { 'cleanup.policy': 'compact' } },
        { name: three, partitions: 3 },
      ])
      const described = await client.describeTopics([one, three, 'nobody-made-this'])
      expect([...described.values()]).toEqual([
        { name: one, partitions: 1, internal: false },
        { name: three, partitions: 3, internal: false },
      ])
      const all = await client.describeTopics()
      expect([...all.keys()]).toEqual(expect.arrayContaining([one, three]))

      await client.deleteTopics([one])
      expect([...(await client.describeTopics([one, three])).keys()]).toEqual([three])
      expect((await client.describeTopics([])).size).toBe(0)
    })

    test('that exist are left as they are, and may be deleted when they are gone', async () => {
      const { topic, client } = await newTopic(world, 2)
      await client.createTopics([{ name: topic, partitions: 5 }])
      expect((await client.describeTopics([topic])).get(topic)?.partitions).toBe(2)
      await client.deleteTopics([topic])
      await client.deleteTopics([topic])
    })

    test('have the settings that they were created with', async () => {
      const client = world.client()
      const name = world.name('topic')
      const configs = { 'cleanup.policy': 'compact' }
      await client.createTopics([{ name, partitions: 1, replicationFactor: 1, configs }])
      const found = await client.topicConfigs([name], ['cleanup.policy'])
      expect(found).toEqual(new Map([[name, new Map(Object.entries(configs))]]))
    })

    test('asking about a topic does not create it', async () => {
      const client = world.client()
      const topic = world.name('topic')
      expect((await client.describeTopics([topic])).size).toBe(0)
      expect((await client.describeTopics()).has(topic)).toBe(false)
    })

    test('an impossible name is an error that says why', async () => {
      await expect(
        world.client().createTopics([{ name: 'no spaces please', partitions: 1 }]),
      ).rejects.toMatchObject({
        code: 'LOG_ERROR',
        message: expect.stringMatching(/no spaces please.*INVALID_TOPIC/),
      })
    })
  })
}

function recordContract(world: ContractWorld): void {
  describe('records', () => {
    test('come back in order, partition by partition', async () => {
      const { topic, client } = await newTopic(world, 3)
      const producer = await client.producer()
      const expected = new Map<number, string[]>()
      for (let round = 0; round < 20; round += 1) {
        const batches = [0, 1, 2].map(partition => {
          const values = Array.from({ length: 1 + (round % 3) }, (_, i) => `${round}.${i}`)
          expected.set(partition, [...(expected.get(partition) ?? []), ...values])
          return { topic, partition, batch: batchOf(values) }
        })
        const offsets = await producer.send(batches)
        expect(offsets.map(({ partition }) => partition)).toEqual([0, 1, 2])
      }
      const consumer = client.consumer()
      consumer.assign([0, 1, 2].map(partition => ({ topic, partition, offset: 0 })))
      const count = [...expected.values()].flat().length
      expect(await readValues(consumer, count)).toEqual(expected)
      for (const [partition, values] of expected) {
        expect(consumer.position({ topic, partition })).toBe(values.length)
      }
    })

    test('are written in the order of the calls, also without waiting for each', async () => {
      const { topic, client } = await newTopic(world, 1)
      const producer = await client.producer()
      const values = Array.from({ length: 60 }, (_, i) => `${i}`)
      const sent = values.map(value =>
        producer.send([{ topic, partition: 0, batch: batchOf([value]) }]),
      )
      const offsets = (await Promise.all(sent)).flat().map(({ offset }) => offset)
      expect(offsets).toEqual(values.map((_, offset) => offset))
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      expect((await readValues(consumer, 60)).get(0)).toEqual(values)
    })

    test('of a batch larger than all limits are read all the same', async () => {
      const { topic, client } = await newTopic(world, 1)
      const large = 'x'.repeat(300_000)
      await write(client, { topic, partition: 0 }, [large, 'after'])
      await write(client, { topic, partition: 0 }, ['next'])
      const consumer = client.consumer({ maxBytes: 1_000, maxPartitionBytes: 500 })
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      expect((await readValues(consumer, 3)).get(0)).toEqual([large, 'after', 'next'])
    })

    test('are read from the middle of a batch: the batch comes whole, with the offset asked for', async () => {
      const { topic, client } = await newTopic(world, 1)
      await write(client, { topic, partition: 0 }, ['a', 'b', 'c'])
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 2 }])
      const fetched = await firstPoll(consumer)
      expect(fetched).toMatchObject({ topic, partition: 0, offset: 2, nextOffset: 3 })
      expect(fetched.highWatermark).toBe(3)
      expect(recordsOf(fetched.batches)).toHaveLength(3)
      expect(valuesOf(fetched.batches, fetched.offset)).toEqual(['c'])
    })

    test('whose acknowledgement is lost are not written twice', async () => {
      const { topic } = await newTopic(world, 2)
      let fired = 0
      const client = world.client(connector =>
        lossyConnector(connector, api => {
          if (api !== 'Produce' || fired === 3) return false
          fired += 1
          return true
        }),
      )
      const producer = await client.producer()
      for (let round = 0; round < 5; round += 1) {
        const sent = [0, 1].map(partition =>
          producer.send([{ topic, partition, batch: batchOf([`${round}a`, `${round}b`]) }]),
        )
        await Promise.all(sent)
      }
      expect(fired).toBe(3)
      const consumer = client.consumer()
      consumer.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))
      const all = ['0a', '0b', '1a', '1b', '2a', '2b', '3a', '3b', '4a', '4b']
      expect(await readValues(consumer, 20)).toEqual(
        new Map([
          [0, all],
          [1, all],
        ]),
      )
      const ends = await client.listOffsets(
        [0, 1].map(partition => ({ topic, partition })),
        'latest',
      )
      expect(ends.map(({ offset }) => offset)).toEqual([10, 10])
    })

    test('of two producers share the partition', async () => {
      const { topic, client } = await newTopic(world, 1)
      const partition = { topic, partition: 0 }
      const [one, two] = [await client.producer(), await client.producer()]
      await one.send([{ ...partition, batch: batchOf(['1']) }])
      await two.send([{ ...partition, batch: batchOf(['2']) }])
      await one.send([{ ...partition, batch: batchOf(['3']) }])
      const consumer = client.consumer()
      consumer.assign([{ ...partition, offset: 0 }])
      expect((await readValues(consumer, 3)).get(0)).toEqual(['1', '2', '3'])
    })
  })

  describe('a consumer', () => {
    test('without news waits for its time and returns nothing', async () => {
      const { topic, client } = await newTopic(world, 1)
      const consumer = client.consumer()
      expect(await consumer.poll(0)).toEqual([])
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      expect(await consumer.poll(30)).toEqual([])
      expect(consumer.position({ topic, partition: 0 })).toBe(0)
    })

    test('that waits is woken by a record that arrives', async () => {
      const { topic, client } = await newTopic(world, 1)
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const polled = consumer.poll(600_000)
      await write(client, { topic, partition: 0 }, ['news'])
      const [fetched] = await polled
      expect(fetched && valuesOf(fetched.batches)).toEqual(['news'])
    })

    test('that waits is woken by assign, seek and close', async () => {
      const { topic, client } = await newTopic(world, 2)
      const consumer = client.consumer()
      const [first, second] = [0, 1].map(partition => ({ topic, partition, offset: 0 }))
      if (first === undefined || second === undefined) throw new Error('two partitions')
      let polled = consumer.poll(600_000)
      consumer.assign([first])
      await polled
      polled = consumer.poll(600_000)
      consumer.assign([first, second])
      await polled
      polled = consumer.poll(600_000)
      consumer.seek(second)
      await polled
      polled = consumer.poll(600_000)
      await consumer.close()
      expect(await polled).toEqual([])
      await expect(consumer.poll(0)).rejects.toMatchObject({ code: 'CLOSED' })
    })

    test('reads again from where it seeks to', async () => {
      const { topic, client } = await newTopic(world, 1)
      for (const value of ['a', 'b', 'c']) await write(client, { topic, partition: 0 }, [value])
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      expect((await readValues(consumer, 3)).get(0)).toEqual(['a', 'b', 'c'])
      consumer.seek({ topic, partition: 0, offset: 1 })
      expect(consumer.position({ topic, partition: 0 })).toBe(1)
      expect((await readValues(consumer, 2)).get(0)).toEqual(['b', 'c'])
    })

    test('keeps the position of a partition that stays assigned', async () => {
      const { topic, client } = await newTopic(world, 2)
      await write(client, { topic, partition: 0 }, ['a'])
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      await readValues(consumer, 1)
      await write(client, { topic, partition: 0 }, ['b'])
      await write(client, { topic, partition: 1 }, ['c', 'd'])
      consumer.assign([
        { topic, partition: 0, offset: 0 },
        { topic, partition: 1, offset: 1 },
      ])
      expect(await readValues(consumer, 2)).toEqual(
        new Map([
          [0, ['b']],
          [1, ['d']],
        ]),
      )
      consumer.assign([{ topic, partition: 1, offset: 0 }])
      expect(() => consumer.position({ topic, partition: 0 })).toThrow('not assigned')
    })

    test('returns nothing of a paused partition, and loses nothing of it', async () => {
      const { topic, client } = await newTopic(world, 2)
      const consumer = client.consumer()
      consumer.assign([0, 1].map(partition => ({ topic, partition, offset: 0 })))
      consumer.pause([{ topic, partition: 0 }])
      await write(client, { topic, partition: 0 }, ['held'])
      await write(client, { topic, partition: 1 }, ['free'])
      expect(await readValues(consumer, 1)).toEqual(new Map([[1, ['free']]]))
      expect(await consumer.poll(50)).toEqual([])
      expect(consumer.position({ topic, partition: 0 })).toBe(0)
      consumer.resume([{ topic, partition: 0 }])
      expect(await readValues(consumer, 1)).toEqual(new Map([[0, ['held']]]))
    })

    test('outside the log is told where the log is', async () => {
      const { topic, client } = await newTopic(world, 1)
      await write(client, { topic, partition: 0 }, ['a', 'b'])
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 99 }])
      const error: unknown = await consumer.poll(600_000).catch((failure: unknown) => failure)
      expect(error).toBeInstanceOf(OffsetOutOfRange)
      expect(error).toMatchObject({ topic, partition: 0, offset: 99, logEndOffset: 2 })
    })
  })
}

function offsetContract(world: ContractWorld): void {
  describe('offsets', () => {
    test('are listed by position and by time', async () => {
      const { topic, client } = await newTopic(world, 2)
      const partitions = [0, 1].map(partition => ({ topic, partition }))
      await write(client, { topic, partition: 0 }, ['a', 'b'], 1_000)
      await write(client, { topic, partition: 0 }, ['c', 'd'], 5_000)
      const at = async (time: 'earliest' | 'latest' | number): Promise<number[]> =>
        (await client.listOffsets(partitions, time)).map(({ offset }) => offset)
      expect(await at('earliest')).toEqual([0, 0])
      expect(await at('latest')).toEqual([4, 0])
      expect(await at(0)).toEqual([0, -1])
      expect(await at(1_001)).toEqual([1, -1])
      expect(await at(2_000)).toEqual([2, -1])
      expect(await at(5_002)).toEqual([-1, -1])
      expect(await client.listOffsets([], 'latest')).toEqual([])
    })

    test('below which records are deleted are outside the log', async () => {
      const { topic, client } = await newTopic(world, 1)
      for (const value of ['a', 'b', 'c', 'd']) {
        await write(client, { topic, partition: 0 }, [value])
      }
      await client.deleteRecords([{ topic, partition: 0, offset: 3 }])
      const [start] = await client.listOffsets([{ topic, partition: 0 }], 'earliest')
      expect(start?.offset).toBe(3)
      const consumer = client.consumer()
      consumer.assign([{ topic, partition: 0, offset: 0 }])
      const error: unknown = await consumer.poll(600_000).catch((failure: unknown) => failure)
      expect(error).toMatchObject({ offset: 0, logStartOffset: 3, logEndOffset: 4 })
      consumer.seek({ topic, partition: 0, offset: 3 })
      expect((await readValues(consumer, 1)).get(0)).toEqual(['d'])
      await expect(
        client.deleteRecords([{ topic, partition: 0, offset: 77 }]),
      ).rejects.toMatchObject({ code: 'LOG_ERROR' })
    })

    test('that nobody committed are absent', async () => {
      const { topic, client } = await newTopic(world, 1)
      const committed: CommittedOffset[] = await client.committedOffsets(world.name('group'), [
        { topic, partition: 0 },
      ])
      expect(committed).toEqual([])
    })
  })

  test('a closed client refuses calls and leaves nothing open', async () => {
    const { client } = await newTopic(world, 1)
    const consumer = client.consumer()
    const producer = await client.producer()
    await client.close()
    await expect(client.describeTopics()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(consumer.poll(0)).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(producer.send([])).rejects.toMatchObject({ code: 'CLOSED' })
  })
}
