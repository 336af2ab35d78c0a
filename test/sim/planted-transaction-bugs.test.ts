/**
 * The tests of the transaction tests: brokers with a bug of the kinds that have broken transactions elsewhere must be
 * found out by a few seeds. The bugs are planted from outside; the code has no switch for them.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type * as Partition from '../../src/broker/coordinator/coordinator-partition.ts'
import type * as Markers from '../../src/broker/coordinator/transaction-markers.ts'
import type * as Shards from '../../src/broker/coordinator/transaction-shard.ts'
import type * as Steps from '../../src/broker/coordinator/transaction.ts'
import { PartitionLog } from '../../src/broker/log/partition-log.ts'
import { errorCode } from '../../src/protocol/error-codes.ts'
import { runTransactions } from './transactions-world.ts'

type Bug =
  | 'fences nobody'
  | 'believes late requests'
  | 'loses markers'
  | 'commits offsets of aborted transactions'
  | 'forgets prepared transactions'
  | 'answers before it is durable'

const planted = vi.hoisted(() => ({ bug: '' }))
const has = (bug: Bug): boolean => planted.bug === bug

vi.mock('../../src/broker/coordinator/transaction.ts', async importOriginal => {
  const original = await importOriginal<typeof Steps>()
  const step: typeof Steps.step = (known, input, ...rest) => {
    if (has('believes late requests') && (input.kind === 'add' || input.kind === 'end')) {
      const producer = { ...input.producer, producerEpoch: known?.producerEpoch ?? 0 }
      return original.step(known, { ...input, producer, connection: Infinity }, ...rest)
    }
    const result = original.step(known, input, ...rest)
    if (!has('fences nobody') || known === null || result.next === null) return result
    return { ...result, next: { ...result.next, producerEpoch: known.producerEpoch } }
  }
  return { ...original, step }
})

vi.mock('../../src/broker/coordinator/transaction-markers.ts', async importOriginal => {
  const original = await importOriginal<typeof Markers>()
  const markerWriter: typeof Markers.markerWriter = options => {
    const { groups } = options
    const careless: typeof groups = {
      completeTransaction: (partition, producerId, type) =>
        groups.completeTransaction(
          partition,
          producerId,
          has('commits offsets of aborted transactions') ? 'commit' : type,
        ),
    }
    const writer = original.markerWriter({ ...options, groups: careless })
    return {
      write: (topic, partition, marker) =>
        has('loses markers') && partition === 1
          ? Promise.resolve(errorCode.NONE)
          : writer.write(topic, partition, marker),
    }
  }
  return { ...original, markerWriter }
})

vi.mock('../../src/broker/coordinator/transaction-shard.ts', async importOriginal => {
  const original = await importOriginal<typeof Shards>()
  const openTransactionShard: typeof Shards.openTransactionShard = (...given) => {
    const shard = original.openTransactionShard(...given)
    for (const [id, { state }] of shard.slots) {
      if (has('forgets prepared transactions') && state?.phase.startsWith('Prepare') === true) {
        shard.slots.delete(id)
      }
    }
    return shard
  }
  return { ...original, openTransactionShard }
})

vi.mock('../../src/broker/coordinator/coordinator-partition.ts', async importOriginal => {
  const original = await importOriginal<typeof Partition>()
  const coordinatorPartition: typeof Partition.coordinatorPartition = (...given) => {
    const partition = original.coordinatorPartition(...given)
    return {
      ...partition,
      get endOffset() {
        return partition.endOffset
      },
      durable: () => (has('answers before it is durable') ? errorCode.NONE : partition.durable()),
    }
  }
  return { ...original, coordinatorPartition }
})

afterEach(() => {
  planted.bug = ''
  vi.restoreAllMocks()
})

/** The first promise that a broker with this bug breaks, within so many seeds. */
async function firstViolation(seeds = 60): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation } = await runTransactions(seed)
    if (violation !== undefined) return violation
  }
  return undefined
}

/** How a transaction shows that is not whole: in records, in the offsets that go with them, in what was read before. */
const broken = /is there|are there|The offset|was read as|stays open/

describe('a broker with a bug is found out when it', () => {
  test.each<[Bug, RegExp]>([
    ['fences nobody', broken],
    ['believes late requests', broken],
    ['loses markers', /stays open/],
    ['commits offsets of aborted transactions', /nobody asked for that/],
    ['forgets prepared transactions', broken],
    ['answers before it is durable', broken],
  ])('%s', async (bug, sentence) => {
    planted.bug = bug
    expect(await firstViolation()).toMatch(sentence)
  })

  test('shows readers of committed records what is open', async () => {
    vi.spyOn(PartitionLog.prototype, 'lastStableOffset', 'get').mockImplementation(function (
      this: PartitionLog,
    ) {
      return this.highWatermark
    })
    expect(await firstViolation()).toMatch(broken)
  })

  test('does not tell them what was aborted', async () => {
    vi.spyOn(PartitionLog.prototype, 'abortedTransactions').mockReturnValue([])
    expect(await firstViolation()).toMatch(broken)
  })

  test('and a broker without is not', async () => {
    expect(await firstViolation(5)).toBeUndefined()
  })
})
