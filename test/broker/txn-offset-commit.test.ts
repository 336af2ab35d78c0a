/** Offsets committed in transactions, request by request over the wire, and who reads them when. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { joinGroup } from '../../src/protocol/messages/11-join-group.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { addOffsetsToTxn } from '../../src/protocol/messages/25-add-offsets-to-txn.ts'
import { endTxn } from '../../src/protocol/messages/26-end-txn.ts'
import { txnOffsetCommit } from '../../src/protocol/messages/28-txn-offset-commit.ts'
import { temporaryFolder } from './log/log-world.ts'
import { Peer } from './peer.ts'

const groupId = 'g'
const transactionalId = 'x'
let data: string
let broker: RunningBroker
let peer: Peer
let producer: { readonly producerId: bigint; readonly producerEpoch: number }

async function start(): Promise<void> {
  broker = await startBroker({ data })
  peer = await Peer.open(broker.address)
}

async function stop(): Promise<void> {
  await peer.close()
  await broker.close()
}

beforeEach(async () => {
  data = temporaryFolder()
  await start()
  const topic = { name: 't', numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await peer.ask(createTopics, 7, { topics: [topic], timeoutMs: 1000, validateOnly: false })
  producer = await init()
})

afterEach(stop)

const init = () => peer.ask(initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000 })

async function addOffsets(): Promise<string> {
  const answer = await peer.ask(addOffsetsToTxn, 3, { transactionalId, groupId, ...producer })
  return errorName(answer.errorCode)
}

async function end(committed: boolean): Promise<string> {
  const answer = await peer.ask(endTxn, 3, { transactionalId, committed, ...producer })
  return errorName(answer.errorCode)
}

async function commit(offset: number, version = 3, more: object = {}): Promise<string> {
  const partition = { partitionIndex: 0, committedOffset: offset, committedMetadata: '' }
  const { topics } = await peer.ask(txnOffsetCommit, version, {
    transactionalId,
    groupId,
    ...producer,
    memberId: '',
    groupInstanceId: null,
    topics: [{ name: 't', partitions: [partition] }],
    ...more,
  })
  return errorName(topics[0]?.partitions[0]?.errorCode ?? -1)
}

/** What is committed for the partition, as somebody is told who asks in this version. */
async function fetched(version: number, requireStable = false, by = peer): Promise<string> {
  const wanted = { groupId, topics: [{ name: 't', partitionIndexes: [0] }] }
  const answer = await by.ask(offsetFetch, version, {
    ...(version < 8 ? wanted : { groups: [{ ...wanted, memberId: null, memberEpoch: -1 }] }),
    requireStable,
  })
  const { topics } = version < 8 ? answer : (answer.groups[0] ?? answer)
  const partition = topics[0]?.partitions[0]
  if (partition === undefined) return 'nothing'
  const { errorCode, committedOffset } = partition
  return errorCode === 0 ? `${committedOffset}` : `${errorName(errorCode)} ${committedOffset}`
}

describe('a transaction with offsets', () => {
  test('gives them when it is committed, over a restart too, and not when it is aborted', async () => {
    await addOffsets()
    expect(await commit(5)).toBe('NONE')
    expect(await fetched(8)).toBe('-1')
    await stop()
    await start()
    expect(await fetched(8, true)).toBe('UNSTABLE_OFFSET_COMMIT -1')
    expect(await end(true)).toBe('NONE')
    expect(await fetched(8, true)).toBe('5')

    await addOffsets()
    expect(await commit(9)).toBe('NONE')
    expect(await end(false)).toBe('NONE')
    expect(await fetched(8, true)).toBe('5')
    await stop()
    await start()
    expect(await fetched(8, true)).toBe('5')
  })

  test('is aborted when its producer comes back, and its offsets with it', async () => {
    await addOffsets()
    await commit(5)
    const old = producer
    do producer = await init()
    while (producer.producerId === -1n)
    expect(await fetched(8, true)).toBe('-1')
    expect(await commit(6, 3, old)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await fetched(8, true)).toBe('-1')
  })
})

describe('who asks for offsets while they are in the balance', () => {
  test('is told to come again when it can be, and who cannot waits for the end', async () => {
    await addOffsets()
    await commit(5)
    expect(await fetched(7, true)).toBe('UNSTABLE_OFFSET_COMMIT -1')
    expect(await fetched(9, true)).toBe('UNSTABLE_OFFSET_COMMIT -1')
    expect(await fetched(7, false)).toBe('-1')
    const patient = await Peer.open(broker.address)
    const answer = fetched(5, false, patient)
    expect(await end(true)).toBe('NONE')
    expect(await answer).toBe('5')
    await patient.close()
  })
})

describe('a commit', () => {
  test('without an open transaction that has the group in it is refused, in the words of the version', async () => {
    expect(await commit(5, 3)).toBe('INVALID_TXN_STATE')
    expect(await commit(5, 4)).toBe('TRANSACTION_ABORTABLE')
    await addOffsets()
    expect(await end(true)).toBe('NONE')
    expect(await commit(5, 3)).toBe('INVALID_TXN_STATE')
    expect(await fetched(8, true)).toBe('-1')
  })

  test('of a producer that is not the one of the id is refused', async () => {
    await addOffsets()
    const { producerId, producerEpoch } = producer
    expect(await commit(5, 3, { producerEpoch: producerEpoch - 1 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(await commit(5, 3, { producerId: producerId + 1n })).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await commit(5, 3, { transactionalId: 'y' })).toBe('INVALID_PRODUCER_ID_MAPPING')
  })

  test('of a member that lost its place is refused, and one that does not say who it is is not', async () => {
    await addOffsets()
    const { memberId } = await peer.ask(joinGroup, 3, {
      groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    const of = (generation: number, member = memberId): Promise<string> =>
      commit(5, 3, { generationIdOrMemberEpoch: generation, memberId: member })
    expect(await of(1)).toBe('NONE')
    expect(await of(0)).toBe('ILLEGAL_GENERATION')
    expect(await of(1, 'other')).toBe('UNKNOWN_MEMBER_ID')
    expect(await of(-1)).toBe('ILLEGAL_GENERATION')
    expect(await commit(6, 2)).toBe('NONE')
    expect(await commit(6, 0)).toBe('NONE')
  })

  test('for what is not there, or for no group, is refused', async () => {
    await addOffsets()
    const partitions = [{ partitionIndex: 7, committedOffset: 5, committedMetadata: '' }]
    expect(await commit(5, 3, { topics: [{ name: 't', partitions }] })).toBe(
      'UNKNOWN_TOPIC_OR_PARTITION',
    )
    expect(await commit(5, 3, { groupId: '' })).toBe('INVALID_GROUP_ID')
  })
})
