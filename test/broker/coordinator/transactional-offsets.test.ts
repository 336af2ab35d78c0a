import { beforeEach, describe, expect, test } from 'vitest'
import { type Broker, openBroker } from '../../../src/broker/broker.ts'
import type { TransactionalCommit } from '../../../src/broker/coordinator/group-offsets.ts'
import { isPending } from '../../../src/broker/coordinator/pending-offsets.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'
import { errorCode, errorName } from '../../../src/protocol/error-codes.ts'

const group = 'g'
let simulation: Simulation
let broker: Broker

beforeEach(async () => {
  simulation = simulate({ seed: 1 })
  const { platform } = simulation.machine('broker')
  const config = { offsetsTopicNumPartitions: 1 }
  broker = await simulation.run(openBroker({ platform, folder: '/data', config }))
  await simulation.run(broker.topics.create({ name: 't', partitions: 2, configs: new Map() }))
})

const byHand = { memberId: '', instanceId: null, generation: -1 }

function offsets(offset: number, partition = 0): TransactionalCommit['offsets'] {
  return [{ topic: 't', partition, offset, leaderEpoch: -1, metadata: '' }]
}

async function commit(offset: number, partition = 0): Promise<string> {
  const options = { unknownGroup: errorCode.ILLEGAL_GENERATION, retentionMs: -1 }
  const answer = broker.groups.commit(
    group,
    { ...byHand, offsets: offsets(offset, partition) },
    options,
  )
  return errorName(await simulation.run(answer))
}

async function commitIn(
  producerId: bigint,
  offset: number,
  more: Partial<TransactionalCommit> = {},
): Promise<string> {
  const answer = broker.groups.commitTransactional(group, {
    ...byHand,
    producerId,
    producerEpoch: 0,
    offsets: offsets(offset),
    verify: () => errorCode.NONE,
    ...more,
  })
  return errorName(await simulation.run(answer))
}

/** What the group has committed for the partition, and `pending` while a transaction is open that has too. */
async function committed(partition = 0): Promise<string> {
  const answer = broker.groups.read(group, found => ({
    offset: found?.offsets.get('t')?.get(partition)?.offset ?? 'none',
    pending: found !== undefined && isPending(found, 't', partition),
  }))
  const found = await simulation.run(answer)
  if (typeof found === 'number') return errorName(found)
  expect(broker.groups.hasPendingOffsets(group, 't', partition)).toBe(found.pending)
  return found.pending ? `${found.offset} pending` : `${found.offset}`
}

describe('offsets committed in a transaction', () => {
  test('count when it is committed', async () => {
    await commit(1)
    expect(await commitIn(7n, 2)).toBe('NONE')
    expect(await committed()).toBe('1 pending')
    broker.groups.completeTransaction(0, 7n, 'commit')
    expect(await committed()).toBe('2')
  })

  test('are gone when it is aborted, and with them a group that has nothing else', async () => {
    await commitIn(7n, 2)
    expect(await committed()).toBe('none pending')
    broker.groups.completeTransaction(0, 7n, 'abort')
    expect(await committed()).toBe('none')
    expect(broker.groups.groups()).toEqual([])
  })

  test('do not take back a commit made later outside of it', async () => {
    await commitIn(7n, 2)
    await commit(3)
    broker.groups.completeTransaction(0, 7n, 'commit')
    expect(await committed()).toBe('3')
  })

  test('of two transactions, that of the later commit holds, whichever ends first', async () => {
    await commitIn(7n, 2)
    await commitIn(8n, 3)
    broker.groups.completeTransaction(0, 8n, 'commit')
    expect(await committed()).toBe('3 pending')
    broker.groups.completeTransaction(0, 7n, 'commit')
    expect(await committed()).toBe('3')
  })

  test('do not come back when the offsets or the topic are deleted before it ends', async () => {
    await commitIn(7n, 2)
    const place = { topic: 't', partition: 0 }
    expect(await simulation.run(broker.groups.deleteOffsets(group, [place]))).toBe(errorCode.NONE)
    await commitIn(8n, 2)
    broker.groups.topicDeleted('t')
    broker.groups.completeTransaction(0, 7n, 'commit')
    broker.groups.completeTransaction(0, 8n, 'commit')
    expect(await committed()).toBe('none')
  })

  test('do not come back when the group is deleted before it ends', async () => {
    await commitIn(7n, 2)
    expect(await simulation.run(broker.groups.deleteGroup(group))).toBe(errorCode.NONE)
    broker.groups.completeTransaction(0, 7n, 'commit')
    expect(broker.groups.groups()).toEqual([])
  })

  test('are refused when the transaction is not open at the moment of the write', async () => {
    const verify = (): number => errorCode.INVALID_TXN_STATE
    expect(await commitIn(7n, 2, { verify })).toBe('INVALID_TXN_STATE')
    expect(await committed()).toBe('none')
  })

  test('are refused by an old epoch of the producer', async () => {
    expect(await commitIn(7n, 2, { producerEpoch: 1 })).toBe('NONE')
    expect(await commitIn(7n, 3)).toBe('INVALID_PRODUCER_EPOCH')
  })
})

describe('who may commit in a transaction (KIP-447)', () => {
  async function join(): Promise<string> {
    const answer = broker.groups.join(group, {
      memberId: '',
      instanceId: null,
      clientId: 'c',
      clientHost: '/h',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      knowsMemberIdRequired: false,
      knowsSkipAssignment: false,
    })
    return (await simulation.run(answer)).memberId
  }

  test('a member of the current generation, while it waits for its assignment too', async () => {
    const memberId = await join()
    expect(await commitIn(7n, 2, { memberId, generation: 1 })).toBe('NONE')
    expect(await commitIn(7n, 2, { memberId, generation: 0 })).toBe('ILLEGAL_GENERATION')
    expect(await commitIn(7n, 2, { memberId: 'other', generation: 1 })).toBe('UNKNOWN_MEMBER_ID')
    expect(await commitIn(7n, 2, { memberId, instanceId: 'i', generation: 1 })).toBe(
      'UNKNOWN_MEMBER_ID',
    )
  })

  test('an old client, which cannot say who it is', async () => {
    await join()
    expect(await commitIn(7n, 2)).toBe('NONE')
  })

  test('nobody with a generation of a group that is not there', async () => {
    expect(await commitIn(7n, 2, { memberId: 'm', generation: 1 })).toBe('ILLEGAL_GENERATION')
  })
})

describe('who waits for stable offsets', () => {
  function wait(ended = new AbortController().signal): { readonly done: boolean } {
    const state = { done: false }
    const isStable = (): boolean => !broker.groups.hasPendingOffsets(group, 't', 0)
    const options = { isStable, timeoutMs: 3000, ended }
    void broker.groups.untilStable(group, options).then(() => (state.done = true))
    return state
  }

  const passed = (ms: number): Promise<void> => {
    const until = simulation.nowMs + ms
    simulation.after(ms, () => undefined)
    return simulation.run(() => simulation.nowMs >= until)
  }

  test('goes on with the last transaction that has a part in them', async () => {
    await commitIn(7n, 2)
    await commitIn(8n, 2)
    const waiter = wait()
    broker.groups.completeTransaction(0, 7n, 'commit')
    await passed(100)
    expect(waiter.done).toBe(false)
    broker.groups.completeTransaction(0, 8n, 'abort')
    await passed(0)
    expect(waiter.done).toBe(true)
  })

  test('goes on after a while all the same, and when nobody waits for the answer', async () => {
    await commitIn(7n, 2)
    const patient = wait()
    const gone = new AbortController()
    const impatient = wait(gone.signal)
    await passed(1000)
    gone.abort()
    await passed(0)
    expect([patient.done, impatient.done]).toEqual([false, true])
    await passed(2000)
    expect(patient.done).toBe(true)
  })

  test('goes on when the broker stops', async () => {
    await commitIn(7n, 2)
    const waiter = wait()
    await passed(0)
    broker.stop()
    await passed(0)
    expect(waiter.done).toBe(true)
  })
})
