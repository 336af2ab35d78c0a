import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type {
  GroupIdentity,
  OffsetCommitter,
  LogClient,
  TransactionalProducer,
} from '../../src/client/log-client.ts'
import { readMarker } from '../../src/protocol/control-batch.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { isControl, producerId } from '../../src/protocol/record-batch.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { Fault } from './fake-cluster.ts'
import { batchOf, valuesOf } from './records.ts'
import { VirtualPlatform } from './virtual-platform.ts'

interface World {
  readonly platform: VirtualPlatform
  readonly cluster: FakeCluster
  readonly client: LogClient
  readonly producer: TransactionalProducer
}

async function openWorld(): Promise<World> {
  const platform = new VirtualPlatform()
  const cluster = new FakeCluster(platform, { nodes: 2, partitions: 3 })
  const { bootstrap, connector } = cluster
  const client = createLogClient({ platform, bootstrap, connector, deliveryTimeoutMs: 20_000 })
  const opened = client.transactionalProducer({ transactionalId: 'writer' })
  return { platform, cluster, client, producer: await platform.until(opened) }
}

/** What a read_committed reader finds in the log of a partition that has no open transaction. */
function committed({ cluster }: World, partition: number): string[] {
  const found: string[] = []
  const open = new Map<bigint, string[]>()
  for (const batch of cluster.partitions[partition]?.batches ?? []) {
    const values = open.get(producerId(batch)) ?? []
    open.set(producerId(batch), values)
    if (!isControl(batch)) values.push(...valuesOf(batch))
    else {
      if (readMarker(batch)?.type === 'commit') found.push(...values)
      values.length = 0
    }
  }
  return found
}

const send = ({ producer }: World, partition: number, value: string) =>
  producer.send([{ topic: 't', partition, batch: batchOf([value]) }])

const identity: GroupIdentity = { group: 'g', memberId: 'm', generation: 1, instanceId: null }
const member: OffsetCommitter = { identity: () => identity, renewed: async () => identity }

/** The next requests of one API go wrong in this way. */
function failNext({ cluster }: World, failing: string, fault: Fault, times = 1): void {
  let left = times
  cluster.fault = api => {
    if (api !== failing || left === 0) return undefined
    left -= 1
    return fault
  }
}

describe('transactions whose requests go wrong', () => {
  const apis = ['AddPartitionsToTxn', 'AddOffsetsToTxn', 'TxnOffsetCommit', 'EndTxn', 'Produce']
  const faults: Fault[] = [
    'lostBefore',
    'lostAfter',
    'moveLeader',
    errorCode.CONCURRENT_TRANSACTIONS,
    errorCode.COORDINATOR_LOAD_IN_PROGRESS,
    errorCode.NOT_COORDINATOR,
    errorCode.COORDINATOR_NOT_AVAILABLE,
  ]

  test.each(apis.flatMap(api => faults.map(fault => ({ api, fault }))))(
    'go on after $api met $fault',
    async ({ api, fault }) => {
      const world = await openWorld()
      failNext(world, api, fault, 2)
      const { platform, producer, cluster } = world
      await platform.until(send(world, 0, 'a'))
      const offset = { topic: 't', partition: 0, offset: 3, metadata: '' }
      await platform.until(producer.sendOffsets([offset], member))
      await platform.until(producer.commit())
      expect(committed(world, 0)).toEqual(['a'])
      expect(cluster.transactions.committed.get('g 0')).toBe(3)
      expect(cluster.transactions.open).toBe(0)
    },
  )

  test.each([errorCode.PRODUCER_FENCED, errorCode.INVALID_PRODUCER_EPOCH])(
    'end the producer when the coordinator answers %i',
    async code => {
      const world = await openWorld()
      failNext(world, 'EndTxn', code)
      const { platform, producer } = world
      await platform.until(send(world, 0, 'a'))
      const fenced = { code: 'TASK_MIGRATED' }
      await expect(platform.until(producer.commit())).rejects.toMatchObject(fenced)
      await expect(platform.until(producer.abort())).rejects.toMatchObject(fenced)
      await expect(send(world, 0, 'b')).rejects.toMatchObject(fenced)
    },
  )

  test('that the coordinator does not let begin leave nothing behind', async () => {
    const world = await openWorld()
    failNext(world, 'AddPartitionsToTxn', errorCode.TOPIC_AUTHORIZATION_FAILED)
    const { platform, producer, cluster } = world
    const refused = platform.until(send(world, 0, 'a'))
    await expect(refused).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await platform.until(producer.abort())
    await platform.until(send(world, 0, 'b'))
    await platform.until(producer.commit())
    expect(committed(world, 0)).toEqual(['b'])
    expect(cluster.transactions.open).toBe(0)
  })

  test('that are aborted with batches on their way do not touch the next one', async () => {
    const world = await openWorld()
    const { platform, producer, cluster } = world
    await platform.until(send(world, 0, 'a'))
    const late = expect(send(world, 0, 'b')).rejects.toMatchObject({ code: 'LOG_ERROR' })
    await platform.pass(0)
    await platform.until(producer.abort())
    await late
    await platform.until(send(world, 0, 'c'))
    await platform.until(producer.commit())
    expect(committed(world, 0)).toEqual(['c'])
    expect(cluster.transactions.open).toBe(0)
  })

  test('of whose end nothing is known are ended by the next producer', async () => {
    const world = await openWorld()
    const { platform, client, cluster, producer } = world
    await platform.until(send(world, 0, 'a'))
    cluster.fault = api => (api === 'EndTxn' ? 'lostBefore' : undefined)
    const lost = { code: 'CONNECTION_LOST' }
    await expect(platform.until(producer.commit())).rejects.toMatchObject(lost)
    await expect(platform.until(producer.abort())).rejects.toMatchObject(lost)
    cluster.fault = () => undefined
    await platform.until(producer.close())
    expect(cluster.transactions.open).toBe(1)
    await platform.until(client.transactionalProducer({ transactionalId: 'writer' }))
    expect(cluster.transactions.open).toBe(0)
    expect(committed(world, 0)).toEqual([])
  })

  test('close rejects what is not acknowledged, and leaves no timer and no connection', async () => {
    const world = await openWorld()
    world.cluster.fault = api => (api === 'AddPartitionsToTxn' ? 'lostBefore' : undefined)
    const sent = send(world, 0, 'a')
    await world.platform.pass(500)
    const closed = world.client.close()
    await expect(sent).rejects.toMatchObject({ code: 'CLOSED' })
    await closed
    expect(world.platform.pendingTimers).toBe(world.cluster.timers)
    expect(world.cluster.openConnections).toBe(0)
  })

  test('count once and whole, or not at all, whatever goes wrong', async () => {
    const fault = fc.option(fc.constantFrom<Fault>(...faults), { nil: undefined })
    const transaction = fc.record({
      partitions: fc.array(fc.nat({ max: 2 }), { maxLength: 6 }),
      offset: fc.boolean(),
      aborts: fc.boolean(),
      /** After how many sends everything so far is waited for, and how long the end comes after the last. */
      waitsAfter: fc.nat({ max: 6 }),
      endsAfterMs: fc.constantFrom(0, 1, 2, 5, 100_000),
    })
    let fired = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(transaction, { maxLength: 6 }),
        fc.array(fault, { maxLength: 40 }),
        async (transactions, plan) => {
          const world = await openWorld()
          const { platform, cluster, producer } = world
          let next = 0
          cluster.fault = () => {
            const found = plan[next]
            next += 1
            if (found !== undefined) fired += 1
            return found
          }
          const expected: string[][] = [[], [], []]
          let expectedOffset: number | undefined
          for (const [turn, each] of transactions.entries()) {
            const { partitions, offset, aborts, waitsAfter, endsAfterMs } = each
            const sent: Promise<unknown>[] = []
            for (const [index, partition] of partitions.entries()) {
              const value = `${turn}.${index}`
              if (!aborts) expected[partition]?.push(value)
              if (index === waitsAfter) await platform.until(Promise.allSettled(sent))
              sent.push(send(world, partition, value))
            }
            if (offset) {
              const entry = { topic: 't', partition: 0, offset: turn, metadata: '' }
              sent.push(producer.sendOffsets([entry], member))
              if (!aborts) expectedOffset = turn
            }
            const settled = Promise.allSettled(sent)
            await platform.pass(endsAfterMs)
            await platform.until(aborts ? producer.abort() : producer.commit())
            await settled
          }
          expect([0, 1, 2].map(partition => committed(world, partition))).toEqual(expected)
          expect(cluster.transactions.committed.get('g 0')).toBe(expectedOffset)
          expect(cluster.transactions.open).toBe(0)
          await world.client.close()
          expect(platform.pendingTimers).toBe(cluster.timers)
        },
      ),
      { numRuns: 150 },
    )
    expect(fired).toBeGreaterThan(0)
  })
})
