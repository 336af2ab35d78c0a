/**
 * What Apache Kafka asks of a client for each API (its documentation, "Authorization and ACLs: Operations and Resources on
 * Protocols"), written down apart from the broker's own table.
 */
import { RecordBatchBuilder } from '../../../src/protocol/record-batch-builder.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'

export type Type = 'Topic' | 'Group' | 'Cluster' | 'TransactionalId'

export interface Need {
  readonly type: Type
  readonly name: string
  readonly operation: string
}

/** What the broker holds before each row. */
export interface Fixture {
  readonly topicId: string
  readonly producer: { readonly producerId: bigint; readonly producerEpoch: number }
}

export interface Row {
  readonly api: number
  readonly what?: string
  /** All of these must be allowed; of each, one alternative. */
  readonly needs: readonly (readonly Need[])[]
  readonly body: (version: number, fixture: Fixture) => object
  /** Lowest version to ask in, where not the API's. */
  readonly since?: number
  /** The state must be another one after the request is granted. */
  readonly changes?: true
  /** What is not allowed is left out of the answer, under this name of a list, instead of refused with a code. */
  readonly hides?: string
}

export const topic = (operation: string, name = 'topic'): Need => ({
  type: 'Topic',
  name,
  operation,
})
export const group = (operation: string): Need => ({ type: 'Group', name: 'group', operation })
export const cluster = (operation: string): Need => ({
  type: 'Cluster',
  name: 'kafka-cluster',
  operation,
})
export const transactionalId = (operation: string): Need => ({
  type: 'TransactionalId',
  name: 'transaction',
  operation,
})

function batch(): Buffer {
  const builder = new RecordBatchBuilder()
  builder.append(Buffer.from('k'), Buffer.from('v'), 1, [])
  return builder.build()
}

const produceBody = (transactional: string | null): object => ({
  transactionalId: transactional,
  acks: -1,
  topicData: [{ name: 'topic', partitionData: [{ index: 0, records: batch() }] }],
})
const inTopic = { name: 'topic', partitions: [{ partitionIndex: 0 }] }
const offset = { partitionIndex: 0, committedOffset: 1, committedMetadata: '' }
const offsets = [{ name: 'topic', partitions: [offset] }]
const transaction = { transactionalId: 'transaction' }
const config = { name: 'retention.ms', value: '5000000', configOperation: 0 }

export const rows: readonly Row[] = [
  { api: 0, needs: [[topic('Write')]], body: () => produceBody(null), changes: true },
  {
    api: 0,
    what: 'in a transaction',
    needs: [[transactionalId('Write')], [topic('Write')]],
    body: () => produceBody('transaction'),
  },
  {
    api: 1,
    needs: [[topic('Read')]],
    body: (version, { topicId }) => ({
      maxBytes: 1000,
      sessionEpoch: -1,
      topics: [
        {
          ...(version < 13 ? { topic: 'topic' } : { topicId }),
          partitions: [{ partition: 0, currentLeaderEpoch: -1, partitionMaxBytes: 1000 }],
        },
      ],
    }),
  },
  {
    api: 2,
    needs: [[topic('Describe')]],
    body: () => ({
      topics: [
        {
          name: 'topic',
          partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }],
        },
      ],
    }),
  },
  {
    api: 3,
    needs: [[topic('Describe')]],
    body: () => ({ topics: [{ name: 'topic', topicId: zeroUuid }] }),
  },
  {
    api: 3,
    what: 'by id',
    since: 12,
    needs: [[topic('Describe')]],
    body: (_, { topicId }) => ({ topics: [{ name: null, topicId }] }),
  },
  {
    api: 3,
    what: 'of all topics',
    needs: [[topic('Describe')]],
    body: version => ({ topics: version === 0 ? [] : null }),
    hides: 'topics',
  },
  {
    api: 3,
    what: 'that creates a topic',
    needs: [[topic('Describe', 'made')], [topic('Create', 'made'), cluster('Create')]],
    body: () => ({ topics: [{ name: 'made', topicId: zeroUuid }], allowAutoTopicCreation: true }),
    changes: true,
  },
  {
    api: 8,
    needs: [[group('Read')], [topic('Read')]],
    body: () => ({ groupId: 'group', generationIdOrMemberEpoch: -1, topics: offsets }),
    changes: true,
  },
  {
    api: 9,
    needs: [[group('Describe')], [topic('Describe')]],
    body: version => {
      const wanted = { groupId: 'group', topics: [{ name: 'topic', partitionIndexes: [0] }] }
      return version < 8 ? wanted : { groups: [wanted] }
    },
  },
  {
    api: 9,
    what: 'of all topics',
    since: 2,
    needs: [[topic('Describe')], [group('Describe')]],
    body: version => {
      const wanted = { groupId: 'group', topics: null }
      return version < 8 ? wanted : { groups: [wanted] }
    },
    hides: 'topics',
  },
  {
    api: 10,
    needs: [[group('Describe')]],
    body: version => (version < 4 ? { key: 'group' } : { coordinatorKeys: ['group'] }),
  },
  {
    api: 10,
    what: 'of a transactional id',
    since: 1,
    needs: [[transactionalId('Describe')]],
    body: version => ({
      keyType: 1,
      ...(version < 4 ? { key: 'transaction' } : { coordinatorKeys: ['transaction'] }),
    }),
  },
  {
    api: 11,
    // A member of an older version is taken in at once, and the next one waits for it.
    since: 4,
    needs: [[group('Read')]],
    body: () => ({
      groupId: 'group',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    }),
  },
  { api: 12, needs: [[group('Read')]], body: () => ({ groupId: 'group' }) },
  {
    api: 13,
    needs: [[group('Read')]],
    body: version => ({
      groupId: 'group',
      ...(version < 3 ? {} : { members: [{ memberId: 'm' }] }),
    }),
  },
  { api: 14, needs: [[group('Read')]], body: () => ({ groupId: 'group' }) },
  { api: 15, needs: [[group('Describe')]], body: () => ({ groups: ['group'] }) },
  {
    api: 16,
    needs: [[cluster('Describe'), group('Describe')]],
    body: () => ({}),
    hides: 'groups',
  },
  {
    api: 19,
    needs: [[topic('Create', 'made'), cluster('Create')]],
    body: () => ({ topics: [{ name: 'made', numPartitions: 1, replicationFactor: 1 }] }),
    changes: true,
  },
  {
    api: 20,
    needs: [[topic('Delete')]],
    body: version =>
      version < 6 ? { topicNames: ['topic'] } : { topics: [{ name: 'topic', topicId: zeroUuid }] },
    changes: true,
  },
  {
    api: 20,
    what: 'by id',
    since: 6,
    needs: [[topic('Delete')]],
    body: (_, { topicId }) => ({ topics: [{ name: null, topicId }] }),
    changes: true,
  },
  {
    api: 21,
    needs: [[topic('Delete')]],
    body: () => ({ topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, offset: 1 }] }] }),
    changes: true,
  },
  {
    api: 22,
    needs: [[cluster('IdempotentWrite'), topic('Write')]],
    body: () => ({ transactionalId: null }),
  },
  {
    api: 22,
    what: 'of a transactional id',
    needs: [[transactionalId('Write')]],
    body: () => ({ ...transaction, transactionTimeoutMs: 10_000 }),
    changes: true,
  },
  {
    api: 23,
    needs: [[topic('Describe')]],
    body: () => ({
      topics: [
        {
          topic: 'topic',
          partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 1 }],
        },
      ],
    }),
  },
  {
    api: 24,
    needs: [[transactionalId('Write')], [topic('Write')]],
    body: (_, { producer }) => ({
      ...transaction,
      ...producer,
      topics: [{ name: 'topic', partitions: [0] }],
    }),
    changes: true,
  },
  {
    api: 25,
    needs: [[transactionalId('Write')], [group('Read')]],
    body: (_, { producer }) => ({ ...transaction, ...producer, groupId: 'group' }),
    changes: true,
  },
  {
    api: 26,
    needs: [[transactionalId('Write')]],
    body: (_, { producer }) => ({ ...transaction, ...producer, committed: true }),
    changes: true,
  },
  {
    api: 27,
    needs: [[cluster('ClusterAction'), cluster('Alter')]],
    body: (_, { producer }) => ({
      markers: [{ ...producer, topics: [{ name: 'topic', partitionIndexes: [0] }] }],
    }),
  },
  {
    api: 28,
    needs: [[transactionalId('Write')], [group('Read')], [topic('Read')]],
    body: (_, { producer }) => ({
      ...transaction,
      ...producer,
      groupId: 'group',
      generationIdOrMemberEpoch: -1,
      topics: offsets,
    }),
  },
  {
    api: 29,
    needs: [[cluster('Describe')]],
    body: () => ({
      resourceTypeFilter: 1,
      patternTypeFilter: 1,
      operation: 1,
      permissionType: 1,
    }),
  },
  {
    api: 30,
    needs: [[cluster('Alter')]],
    body: () => ({
      creations: [
        {
          resourceType: 2,
          resourceName: 'another',
          principal: 'User:victim',
          host: '*',
          operation: 2,
          permissionType: 3,
        },
      ],
    }),
    changes: true,
  },
  {
    api: 31,
    needs: [[cluster('Alter')]],
    body: () => ({
      filters: [
        {
          resourceTypeFilter: 1,
          patternTypeFilter: 1,
          principalFilter: 'User:victim',
          operation: 1,
          permissionType: 1,
        },
      ],
    }),
    changes: true,
  },
  {
    api: 32,
    needs: [[topic('DescribeConfigs')]],
    body: () => ({ resources: [{ resourceType: 2, resourceName: 'topic' }] }),
  },
  {
    api: 32,
    what: 'of the broker',
    needs: [[cluster('DescribeConfigs')]],
    body: () => ({ resources: [{ resourceType: 4, resourceName: '1' }] }),
  },
  {
    api: 33,
    needs: [[topic('AlterConfigs')]],
    body: () => ({
      resources: [{ resourceType: 2, resourceName: 'topic', configs: [config] }],
    }),
    changes: true,
  },
  {
    api: 33,
    what: 'of the broker',
    needs: [[cluster('AlterConfigs')]],
    body: () => ({ resources: [{ resourceType: 4, resourceName: '1', configs: [config] }] }),
  },
  {
    api: 35,
    needs: [[cluster('Describe')]],
    body: () => ({ topics: null }),
    hides: 'results',
  },
  {
    api: 37,
    needs: [[topic('Alter')]],
    body: () => ({ topics: [{ name: 'topic', count: 5, assignments: null }] }),
    changes: true,
  },
  {
    api: 42,
    needs: [[group('Delete')]],
    body: () => ({ groupsNames: ['group'] }),
    changes: true,
  },
  {
    api: 43,
    needs: [[cluster('Alter')]],
    body: () => ({ topicPartitions: [{ topic: 'topic', partitions: [0] }] }),
  },
  {
    api: 44,
    needs: [[topic('AlterConfigs')]],
    body: () => ({
      resources: [{ resourceType: 2, resourceName: 'topic', configs: [config] }],
    }),
    changes: true,
  },
  {
    api: 44,
    what: 'of the broker',
    needs: [[cluster('AlterConfigs')]],
    body: () => ({ resources: [{ resourceType: 4, resourceName: '1', configs: [config] }] }),
  },
  {
    api: 45,
    needs: [[cluster('Alter')]],
    body: () => ({
      topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, replicas: [1] }] }],
    }),
  },
  { api: 46, needs: [[cluster('Describe')]], body: () => ({ topics: null }) },
  {
    api: 47,
    needs: [[group('Delete')], [topic('Read')]],
    body: () => ({ groupId: 'group', topics: [inTopic] }),
    changes: true,
  },
  {
    api: 48,
    needs: [[cluster('DescribeConfigs')]],
    body: () => ({ components: [], strict: false }),
  },
  {
    api: 49,
    needs: [[cluster('AlterConfigs')]],
    body: () => ({
      entries: [
        {
          entity: [{ entityType: 'user', entityName: 'victim' }],
          ops: [{ key: 'producer_byte_rate', value: 1000, remove: false }],
        },
      ],
    }),
    changes: true,
  },
  { api: 50, needs: [[cluster('Describe')]], body: () => ({ users: null }) },
  {
    api: 51,
    needs: [[cluster('Alter')]],
    body: () => ({ deletions: [{ name: 'victim', mechanism: 1 }], upsertions: [] }),
    changes: true,
  },
  {
    api: 61,
    needs: [[topic('Read')]],
    body: () => ({ topics: [{ name: 'topic', partitionIndexes: [0] }] }),
  },
  {
    api: 65,
    needs: [[transactionalId('Describe')]],
    body: () => ({ transactionalIds: ['transaction'] }),
  },
  {
    api: 65,
    what: 'with its topics',
    needs: [[topic('Describe')], [transactionalId('Describe')]],
    body: () => ({ transactionalIds: ['transaction'] }),
    hides: 'topics',
  },
  {
    api: 66,
    needs: [[transactionalId('Describe')]],
    body: () => ({ durationFilter: -1 }),
    hides: 'transactionStates',
  },
  {
    api: 75,
    needs: [[topic('Describe')]],
    body: () => ({ topics: [{ name: 'topic' }], responsePartitionLimit: 99, cursor: null }),
  },
  {
    api: 75,
    what: 'of all topics',
    needs: [[topic('Describe')]],
    body: () => ({ topics: [], responsePartitionLimit: 99, cursor: null }),
    hides: 'topics',
  },
]

/** For these a client needs nothing. DescribeCluster tells more to those who may describe the cluster. */
export const free: readonly number[] = [17, 18, 36, 60]
