import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createLogClient } from '../../src/client/kafka-client.ts'
import { OffsetOutOfRange } from '../../src/client/log-client.ts'
import type { LogClient, LogConsumer } from '../../src/client/log-client.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { recordCount, setBaseOffset } from '../../src/protocol/record-batch.ts'
import { FakeCluster } from './fake-cluster.ts'
import type { Fault } from './fake-cluster.ts'
import { batchOf, valuesOf } from './records.ts'
import { VirtualPlatform } from './virtual-platform.ts'

interface World {
  readonly platform: VirtualPlatform
  readonly cluster: FakeCluster
  readonly client: LogClient
  readonly consumer: LogConsumer
}

function openWorld(options = { nodes: 1, partitions: 1 }): World {
  const platform = new VirtualPlatform()
  const cluster = new FakeCluster(platform, options)
  const { bootstrap, connector } = cluster
  const client = createLogClient({ platform, bootstrap, connector })
  return { platform, cluster, client, consumer: client.consumer() }
}

function write(cluster: FakeCluster, partition: number, ...values: string[]): Buffer {
  const batch = batchOf(values)
  setBaseOffset(batch, cluster.endOffset(partition))
  cluster.partitions[partition]?.batches.push(batch)
  return batch
}

/** Polls until as many records are there; values by partition. */
async function read({ consumer, platform }: World, count: number): Promise<string[][]> {
  const found: string[][] = [[], [], []]
  let seen = 0
  while (seen < count) {
    for (const { partition, batches, offset } of await platform.until(consumer.poll(1_000))) {
      const values = valuesOf(batches, offset)
      found[partition]?.push(...values)
      seen += values.length
    }
  }
  return found
}

const start = { topic: 't', partition: 0, offset: 0 }

describe('a consumer whose fetches go wrong', () => {
  test('reads on after lost connections, errors and a change of leader', async () => {
    const faults = fc.array(
      fc.option(
        fc.constantFrom<Fault>(
          'lostBefore',
          'lostAfter',
          'moveLeader',
          errorCode.NOT_LEADER_OR_FOLLOWER,
          errorCode.UNKNOWN_LEADER_EPOCH,
          errorCode.OFFSET_NOT_AVAILABLE,
        ),
        { nil: undefined },
      ),
      { maxLength: 12 },
    )
    const partitions = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 12 })
    let fired = 0
    await fc.assert(
      fc.asyncProperty(partitions, faults, async (writes, plan) => {
        const world = openWorld({ nodes: 2, partitions: 3 })
        const expected: string[][] = [[], [], []]
        let next = 0
        world.cluster.fault = () => {
          const fault = plan[next]
          next += 1
          if (fault !== undefined) fired += 1
          return fault
        }
        world.consumer.assign([0, 1, 2].map(partition => ({ ...start, partition })))
        for (const [index, partition] of writes.entries()) {
          write(world.cluster, partition, `${index}`)
          expected[partition]?.push(`${index}`)
        }
        expect(await read(world, writes.length)).toEqual(expected)
        await world.client.close()
        expect(world.platform.pendingTimers).toBe(world.cluster.timers)
        expect(world.cluster.openConnections).toBe(0)
      }),
      { numRuns: 150 },
    )
    expect(fired).toBeGreaterThan(0)
  })

  test('a position outside the log is an error that names it and the log; seek goes on', async () => {
    const world = openWorld()
    write(world.cluster, 0, 'a', 'b', 'c')
    world.consumer.assign([{ ...start, offset: 17 }])
    const error: unknown = await world.platform.until(
      world.consumer.poll(1_000).catch((failure: unknown) => failure),
    )
    expect(error).toBeInstanceOf(OffsetOutOfRange)
    expect(error).toMatchObject({
      code: 'LOG_ERROR',
      topic: 't',
      partition: 0,
      offset: 17,
      logStartOffset: 0,
      logEndOffset: 3,
      message: expect.stringMatching(/Offset 17 of partition t-0 .* 0 .* 3\./),
    })
    expect(world.consumer.position(start)).toBe(17)
    world.consumer.seek({ ...start, offset: 1 })
    expect((await read(world, 2))[0]).toEqual(['b', 'c'])
  })

  test('a batch with a wrong checksum is an error, and is fetched again', async () => {
    const world = openWorld()
    const batch = write(world.cluster, 0, 'a')
    const last = batch.length - 2
    batch[last] = (batch[last] ?? 0) ^ 1
    world.consumer.assign([start])
    await expect(world.platform.until(world.consumer.poll(1_000))).rejects.toMatchObject({
      code: 'CORRUPT_DATA',
      message: expect.stringMatching(
        /partition t-0 from offset 0 is damaged at byte 0: its checksum is [0-9a-f]{8}, not /,
      ),
    })
    batch[last] ^= 1
    expect((await read(world, 1))[0]).toEqual(['a'])
  })

  test('a batch that was cut off by the byte limit is read with the next fetch', async () => {
    const world = openWorld()
    write(world.cluster, 0, 'a')
    const second = write(world.cluster, 0, 'b')
    const batches = world.cluster.partitions[0]?.batches ?? []
    batches[1] = second.subarray(0, second.length - 3)
    world.consumer.assign([start])
    const [first] = await world.platform.until(world.consumer.poll(1_000))
    expect(first && valuesOf(first.batches)).toEqual(['a'])
    expect(first?.nextOffset).toBe(recordCount(second))
    batches[1] = second
    await world.platform.pass(5_000)
    world.consumer.seek({ ...start, offset: 1 })
    expect((await read(world, 1))[0]).toEqual(['b'])
  })

  test('what arrives for an older position is thrown away', async () => {
    const world = openWorld()
    write(world.cluster, 0, 'a')
    write(world.cluster, 0, 'b')
    world.consumer.assign([{ ...start, offset: 1 }])
    const polled = world.consumer.poll(1_000)
    // The metadata are there and the fetch is on its way.
    await world.platform.pass(1.5)
    world.consumer.seek(start)
    expect(await world.platform.until(polled)).toEqual([])
    expect((await read(world, 2))[0]).toEqual(['a', 'b'])
  })

  test('a partition that is resumed does not wait behind one that has nothing', async () => {
    const world = openWorld({ nodes: 1, partitions: 2 })
    world.consumer.assign([start, { ...start, partition: 1 }])
    for (let round = 0; round < 20; round += 1) {
      write(world.cluster, 0, `${round}`)
      const before = world.platform.nowMs
      world.consumer.resume([start])
      expect((await read(world, 1))[0]).toEqual([`${round}`])
      world.consumer.pause([start])
      await world.platform.pass(5)
      if (round > 0) expect(world.platform.nowMs - before).toBeLessThan(60)
    }
  })

  test('a partition that is assigned later does not wait behind one that has nothing', async () => {
    const world = openWorld({ nodes: 1, partitions: 2 })
    const empty = { ...start, partition: 1 }
    write(world.cluster, 0, 'a')
    world.consumer.assign([empty])
    await world.platform.pass(20)
    world.consumer.assign([empty, start])
    const before = world.platform.nowMs
    expect((await read(world, 1))[0]).toEqual(['a'])
    expect(world.platform.nowMs - before).toBeLessThan(60)
  })
})
