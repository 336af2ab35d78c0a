/** CreateTopics and CreatePartitions, as admin clients and tools use them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { createPartitions } from '../../src/protocol/messages/37-create-partitions.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { Peer } from './peer.ts'

let broker: RunningBroker
let peer: Peer

beforeAll(async () => {
  broker = await startBroker({ config: { numPartitions: 3 } })
  peer = await Peer.open(broker.address)
})

afterAll(async () => {
  await peer.close()
  await broker.close()
})

const plain = { numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
const placed = (...places: [number, number[]][]) => ({
  ...plain,
  assignments: places.map(([partitionIndex, brokerIds]) => ({ partitionIndex, brokerIds })),
})

type Wanted = Omit<typeof plain, 'assignments' | 'configs'> & {
  readonly assignments: readonly { partitionIndex: number; brokerIds: number[] }[]
  readonly configs: readonly { name: string; value: string | null }[]
}

async function create(name: string, wanted: Wanted, options: { validateOnly?: boolean } = {}) {
  const { topics } = await peer.ask(createTopics, 7, {
    topics: [{ name, ...wanted }],
    timeoutMs: 1000,
    validateOnly: options.validateOnly === true,
  })
  const [topic] = topics
  if (topic === undefined) throw new Error('The request named a topic.')
  return topic
}

async function partitions(name: string): Promise<number> {
  const asked = { topics: [{ name, topicId: zeroUuid }], allowAutoTopicCreation: false }
  const { topics } = await peer.ask(metadata, 8, asked)
  return topics[0]?.partitions.length ?? 0
}

test('what is left to the broker is told in the answer', async () => {
  const made = await create('defaults', plain)
  expect(made).toMatchObject({ errorCode: 0, numPartitions: 3, replicationFactor: 1 })
  expect(made.topicId).not.toBe(zeroUuid)
  expect(made.configs?.find(({ name }) => name === 'cleanup.policy')?.value).toBe('delete')
})

test('an assignment by hand says how many partitions there are', async () => {
  expect(await create('by-hand', placed([1, [1]], [0, [1]]))).toMatchObject({ numPartitions: 2 })
  expect(await partitions('by-hand')).toBe(2)
  const codes = [
    await create('x', placed([0, [1]], [2, [1]])),
    await create('x', placed([0, [1]], [0, [1]])),
    await create('x', placed([0, [2]])),
    await create('x', placed([0, [1, 1]])),
    await create('x', placed([0, []])),
    await create('x', { ...placed([0, [1]]), numPartitions: 1 }),
  ]
  expect(codes.map(({ errorCode }) => errorName(errorCode))).toEqual([
    ...Array(5).fill('INVALID_REPLICA_ASSIGNMENT'),
    'INVALID_REQUEST',
  ])
})

test('what is only checked is answered as if it were made, and is not', async () => {
  const checked = await create('checked', plain, { validateOnly: true })
  expect(checked).toMatchObject({ errorCode: 0, numPartitions: 3, topicId: zeroUuid })
  expect(await partitions('checked')).toBe(0)
  const wrong = { ...plain, configs: [{ name: 'cleanup.policy', value: 'sometimes' }] }
  const refused = await create('checked', wrong, { validateOnly: true })
  expect(errorName(refused.errorCode)).toBe('INVALID_CONFIG')
  expect(refused.errorMessage).toMatch(/cleanup\.policy/)
})

test('what cannot be is refused', async () => {
  const codes = [
    await create('defaults', plain),
    await create('no spaces', plain),
    await create('none', { ...plain, numPartitions: 0 }),
    await create('many', { ...plain, numPartitions: 1_000_000 }),
    await create('copies', { ...plain, replicationFactor: 2 }),
    await create('copies', { ...plain, replicationFactor: 0 }),
    await create('unset', { ...plain, configs: [{ name: 'retention.ms', value: null }] }),
    await create('__consumer_offsets', plain),
  ]
  expect(codes.map(({ errorCode }) => errorName(errorCode))).toEqual([
    'TOPIC_ALREADY_EXISTS',
    'INVALID_TOPIC_EXCEPTION',
    'INVALID_PARTITIONS',
    'INVALID_PARTITIONS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_CONFIG',
    'INVALID_TOPIC_EXCEPTION',
  ])
})

test('partitions are added, by hand too, and never taken away', async () => {
  await create('grows', { ...plain, numPartitions: 1 })
  const grow = async (count: number, places: number[][] | null = null, validateOnly = false) => {
    const assignments = places === null ? null : places.map(brokerIds => ({ brokerIds }))
    const { results } = await peer.ask(createPartitions, 3, {
      topics: [{ name: 'grows', count, assignments }],
      timeoutMs: 1000,
      validateOnly,
    })
    return errorName(results[0]?.errorCode ?? -1)
  }
  expect(await grow(2, null, true)).toBe('NONE')
  expect(await partitions('grows')).toBe(1)
  expect(await grow(3, [[1]])).toBe('INVALID_REPLICA_ASSIGNMENT')
  expect(await grow(3, [[1], [2]])).toBe('INVALID_REPLICA_ASSIGNMENT')
  expect(await grow(3, [[1], [1]])).toBe('NONE')
  expect(await grow(3)).toBe('INVALID_PARTITIONS')
  expect(await grow(1)).toBe('INVALID_PARTITIONS')
  expect(await partitions('grows')).toBe(3)
})
