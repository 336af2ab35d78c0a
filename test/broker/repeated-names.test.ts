/** Requests that name the same thing again and again: the answer must not grow with that. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { fetch } from '../../src/protocol/messages/01-fetch.ts'
import { metadata } from '../../src/protocol/messages/03-metadata.ts'
import { offsetFetch } from '../../src/protocol/messages/09-offset-fetch.ts'
import { describeGroups } from '../../src/protocol/messages/15-describe-groups.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { describeConfigs } from '../../src/protocol/messages/32-describe-configs.ts'
import { describeProducers } from '../../src/protocol/messages/61-describe-producers.ts'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.ts'
import { zeroUuid } from '../../src/protocol/schema.ts'
import { Peer } from './peer.ts'

const MAX_PARTITIONS = 40
let broker: RunningBroker
let peer: Peer

beforeAll(async () => {
  broker = await startBroker({ config: { maxPartitions: MAX_PARTITIONS }, topics: [{ name: 't' }] })
  peer = await Peer.open(broker.address)
})

afterAll(async () => {
  await peer.close()
  await broker.close()
})

const often = <T>(item: T, times = 1000): T[] => Array.from({ length: times }, () => item)

test('what is told of a name is told once', async () => {
  const named = { topics: often({ name: 't', topicId: zeroUuid }), allowAutoTopicCreation: false }
  const { topics } = await peer.ask(metadata, 12, named)
  expect(topics).toMatchObject([{ name: 't', errorCode: 0 }])
  const topicId = topics[0]?.topicId ?? ''
  const byId = { topics: often({ name: null, topicId }), allowAutoTopicCreation: false }
  expect((await peer.ask(metadata, 12, byId)).topics).toHaveLength(1)

  const groups = await peer.ask(describeGroups, 5, { groups: often('g') })
  expect(groups.groups).toHaveLength(1)
  const offsets = await peer.ask(offsetFetch, 8, {
    groups: often({ groupId: 'g', topics: null }),
    requireStable: false,
  })
  expect(offsets.groups).toHaveLength(1)
  const producers = await peer.ask(describeProducers, 0, {
    topics: often({ name: 't', partitionIndexes: [0, 0, 1] }),
  })
  expect(producers.topics.map(({ partitions }) => partitions.length)).toEqual([2])
  const transactions = await peer.ask(describeTransactions, 0, { transactionalIds: often('x') })
  expect(transactions.transactionStates).toHaveLength(1)
})

test('groups whose topics are named are told as they were asked for', async () => {
  const asked = (...partitionIndexes: number[]) => ({
    groupId: 'g',
    topics: [{ name: 't', partitionIndexes }],
  })
  const { groups } = await peer.ask(offsetFetch, 8, {
    groups: [asked(0), asked(0, 1)],
    requireStable: false,
  })
  expect(groups.map(({ topics }) => topics[0]?.partitions.length)).toEqual([1, 2])
})

test('settings of a resource that is named twice are not told at all', async () => {
  const resource = { resourceType: 2, resourceName: 't', configurationKeys: null }
  const other = { resourceType: 4, resourceName: '1', configurationKeys: null }
  const { results } = await peer.ask(describeConfigs, 4, {
    resources: [resource, other, resource],
    includeSynonyms: false,
  })
  expect(results.map(({ errorCode }) => errorName(errorCode))).toEqual([
    'INVALID_REQUEST',
    'NONE',
    'INVALID_REQUEST',
  ])
  expect(results.map(({ configs }) => configs.length > 0)).toEqual([false, true, false])
})

test('more topics than there may be partitions are refused before anything is made of one', async () => {
  const topics = Array.from({ length: MAX_PARTITIONS + 1 }, (_, index) => ({
    name: `new-${index}`,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const answer = await peer.ask(createTopics, 7, { topics, timeoutMs: 0, validateOnly: true })
  const codes = new Set(answer.topics.map(({ errorCode }) => errorName(errorCode)))
  expect([...codes]).toEqual(['POLICY_VIOLATION'])
})

test('a fetch of more partitions than there are does not wait', async () => {
  const partition = { partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }
  const { responses } = await peer.ask(fetch, 11, {
    maxWaitMs: 2_147_483_647,
    minBytes: 1,
    maxBytes: 1000,
    isolationLevel: 0,
    topics: [{ topic: 't', partitions: often(partition, MAX_PARTITIONS + 1) }],
    forgottenTopicsData: [],
  })
  expect(responses[0]?.partitions).toHaveLength(MAX_PARTITIONS + 1)
})
