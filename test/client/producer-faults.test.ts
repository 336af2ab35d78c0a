import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogClient } from '../../src/client/kafka-client.ts'
import type { LogClient, LogProducer } from '../../src/client/log-client.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { baseSequence, producerId } from '../../src/protocol/record-batch.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { Fault } from './fake-cluster.ts'
import { batchOf, valuesOf } from './records.ts'
import { VirtualPlatform } from './virtual-platform.ts'

interface World {
  readonly platform: VirtualPlatform
  readonly cluster: FakeCluster
  readonly client: LogClient
  readonly producer: LogProducer
}

async function openWorld(options = { nodes: 1, partitions: 1 }): Promise<World> {
  const platform = new VirtualPlatform()
  const cluster = new FakeCluster(platform, options)
  const { bootstrap, connector } = cluster
  const client = createLogClient({ platform, bootstrap, connector, deliveryTimeoutMs: 20_000 })
  const producer = await platform.until(client.producer())
  return { platform, cluster, client, producer }
}

/** Lets the faults happen, one for each Produce request from the next on. */
function produceFaults(cluster: FakeCluster, faults: readonly (Fault | undefined)[]): () => number {
  let fired = 0
  let next = 0
  cluster.fault = api => {
    if (api !== 'Produce') return undefined
    const fault = faults[next]
    next += 1
    if (fault !== undefined) fired += 1
    return fault
  }
  return () => fired
}

const logOf = ({ cluster }: World, partition = 0): string[] =>
  cluster.partitions[partition]?.batches.flatMap(batch => valuesOf(batch)) ?? []

const send = ({ producer }: World, ...values: string[]): Promise<unknown> =>
  producer.send([{ topic: 't', partition: 0, batch: batchOf(values) }])

describe('a producer whose requests go wrong', () => {
  test('a request that is lost before it arrives is repeated', async () => {
    const world = await openWorld()
    const fired = produceFaults(world.cluster, ['lostBefore', 'lostBefore'])
    await world.platform.until(send(world, 'a', 'b'))
    expect(fired()).toBe(2)
    expect(logOf(world)).toEqual(['a', 'b'])
  })

  test('a request that was served, but whose answer is lost, is not written twice', async () => {
    const world = await openWorld()
    const fired = produceFaults(world.cluster, ['lostAfter'])
    const sent = [send(world, 'a'), send(world, 'b', 'c')]
    await world.platform.until(Promise.all(sent))
    expect(fired()).toBe(1)
    expect(logOf(world)).toEqual(['a', 'b', 'c'])
  })

  test('a batch that was written to too few replicas is repeated, and recognised', async () => {
    const world = await openWorld()
    const fired = produceFaults(world.cluster, [errorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND])
    await world.platform.until(send(world, 'a'))
    expect(fired()).toBe(1)
    expect(logOf(world)).toEqual(['a'])
  })

  test('after the first batch is acknowledged, several are in flight, and stay in order', async () => {
    const world = await openWorld()
    await world.platform.until(send(world, '0'))
    const before = world.cluster.requests.length
    produceFaults(world.cluster, [errorCode.NOT_ENOUGH_REPLICAS])
    const sent = Promise.all(['1', '2', '3', '4', '5', '6', '7'].map(value => send(world, value)))
    // Five go out before the first of them is answered: the first fails, the others are out of order.
    await world.platform.until(sent)
    expect(logOf(world)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7'])
    const attempts = world.cluster.requests.length - before
    expect(attempts).toBe(7 + 5)
  })

  test('the first batches of a producer do not overtake each other', async () => {
    // The broker knows nothing of the producer yet and would accept the second batch without the first.
    const world = await openWorld()
    const fired = produceFaults(world.cluster, [errorCode.NOT_ENOUGH_REPLICAS])
    await world.platform.until(Promise.all([send(world, 'a'), send(world, 'b'), send(world, 'c')]))
    expect(fired()).toBe(1)
    expect(logOf(world)).toEqual(['a', 'b', 'c'])
  })

  test('a batch that is refused for good fails those behind it, and a new producer id goes on', async () => {
    const world = await openWorld()
    await world.platform.until(send(world, 'a'))
    const fired = produceFaults(world.cluster, [errorCode.MESSAGE_TOO_LARGE])
    const settled = world.platform.until(
      Promise.allSettled([send(world, 'b'), send(world, 'c'), send(world, 'd')]),
    )
    for (const outcome of await settled) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'LOG_ERROR', message: expect.stringContaining('MESSAGE_TOO_LARGE') },
      })
    }
    expect(fired()).toBe(1)
    await world.platform.until(send(world, 'e'))
    expect(logOf(world)).toEqual(['a', 'e'])
    const [first, second] = world.cluster.partitions[0]?.batches ?? []
    expect(first && producerId(first)).toBe(1n)
    expect(second && producerId(second)).toBe(2n)
    expect(second && baseSequence(second)).toBe(0)
  })

  test('a log that lost earlier batches of the producer is reported, not written to', async () => {
    const world = await openWorld()
    await world.platform.until(send(world, 'a'))
    await world.platform.until(send(world, 'b'))
    world.cluster.partitions[0]?.batches.pop()
    await expect(world.platform.until(send(world, 'c'))).rejects.toMatchObject({
      code: 'LOG_ERROR',
      message: expect.stringContaining('OUT_OF_ORDER_SEQUENCE_NUMBER'),
    })
    await world.platform.until(send(world, 'd'))
    expect(logOf(world)).toEqual(['a', 'd'])
  })

  test('a batch that cannot be delivered in time fails with the last reason', async () => {
    const world = await openWorld()
    world.cluster.fault = api => (api === 'Produce' ? errorCode.NOT_ENOUGH_REPLICAS : undefined)
    await expect(world.platform.until(send(world, 'a'))).rejects.toMatchObject({
      code: 'LOG_ERROR_RETRIABLE',
      message: expect.stringContaining('NOT_ENOUGH_REPLICAS'),
    })
    expect(world.platform.nowMs).toBeGreaterThan(20_000)
  })

  test('batches for many partitions of one broker travel in one request', async () => {
    const world = await openWorld({ nodes: 2, partitions: 8 })
    const batches = Array.from({ length: 8 }, (_, partition) => ({
      topic: 't',
      partition,
      batch: batchOf(['x']),
    }))
    const offsets = await world.platform.until(world.producer.send(batches))
    expect(offsets).toEqual(
      batches.map(({ topic, partition }) => ({ topic, partition, offset: 0 })),
    )
    expect(world.cluster.requests.filter(({ api }) => api === 'Produce')).toHaveLength(2)
  })

  test('close rejects what is not acknowledged, and leaves no timer and no connection', async () => {
    const world = await openWorld()
    world.cluster.fault = api => (api === 'Produce' ? 'lostBefore' : undefined)
    const sent = send(world, 'a')
    await world.platform.pass(500)
    const closed = world.client.close()
    await expect(sent).rejects.toMatchObject({ code: 'CLOSED' })
    await closed
    expect(world.platform.pendingTimers).toBe(world.cluster.timers)
    expect(world.cluster.openConnections).toBe(0)
  })

  test('whatever goes wrong, every batch is written once and in order', async () => {
    const fault = fc.option(
      fc.constantFrom<Fault>(
        'lostBefore',
        'lostAfter',
        'moveLeader',
        errorCode.NOT_ENOUGH_REPLICAS,
        errorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
        errorCode.REQUEST_TIMED_OUT,
        errorCode.LEADER_NOT_AVAILABLE,
      ),
      { nil: undefined },
    )
    const batches = fc.array(
      fc.record({ partition: fc.nat({ max: 2 }), count: fc.integer({ min: 1, max: 3 }) }),
      { minLength: 1, maxLength: 20 },
    )
    let faults = 0
    await fc.assert(
      fc.asyncProperty(batches, fc.array(fault, { maxLength: 25 }), async (sends, plan) => {
        const world = await openWorld({ nodes: 2, partitions: 3 })
        const fired = produceFaults(world.cluster, plan)
        const expected: string[][] = [[], [], []]
        const sent = sends.map(({ partition, count }, index) => {
          const values = Array.from({ length: count }, (_, i) => `${index}.${i}`)
          expected[partition]?.push(...values)
          return world.producer.send([{ topic: 't', partition, batch: batchOf(values) }])
        })
        await world.platform.until(Promise.all(sent))
        faults += fired()
        expect([0, 1, 2].map(partition => logOf(world, partition))).toEqual(expected)
        await world.client.close()
        expect(world.platform.pendingTimers).toBe(world.cluster.timers)
      }),
      { numRuns: 150 },
    )
    expect(faults).toBeGreaterThan(0)
  })
})
