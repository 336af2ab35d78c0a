/**
 * What a client must be allowed to do for each API: the table that handlers ask by. Names of resources come from the
 * request; where one API has several rows, the handler's header says how they go together.
 * (Kafka: KafkaApis, ControllerApis, AclApis.)
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { type Operation, type ResourceType, supportedOperations } from './acl.ts'

export interface Permission {
  readonly resourceType: ResourceType
  readonly operation: Operation
  /** What a request is answered that lacks it. */
  readonly refusal: number
}

const topic = (operation: Operation): Permission => ({
  resourceType: 'Topic',
  operation,
  refusal: errorCode.TOPIC_AUTHORIZATION_FAILED,
})
const group = (operation: Operation): Permission => ({
  resourceType: 'Group',
  operation,
  refusal: errorCode.GROUP_AUTHORIZATION_FAILED,
})
const cluster = (operation: Operation): Permission => ({
  resourceType: 'Cluster',
  operation,
  refusal: errorCode.CLUSTER_AUTHORIZATION_FAILED,
})
const transactionalId = (operation: Operation): Permission => ({
  resourceType: 'TransactionalId',
  operation,
  refusal: errorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
})

export const needed = {
  produce: { topic: topic('Write'), transactionalId: transactionalId('Write') },
  fetch: { topic: topic('Read') },
  listOffsets: { topic: topic('Describe') },
  metadata: {
    topic: topic('Describe'),
    createTopic: topic('Create'),
    createCluster: cluster('Create'),
    cluster: cluster('Describe'),
  },
  offsetCommit: { group: group('Read'), topic: topic('Read') },
  offsetFetch: { group: group('Describe'), topic: topic('Describe') },
  findCoordinator: {
    group: group('Describe'),
    transactionalId: transactionalId('Describe'),
  },
  joinGroup: { group: group('Read') },
  heartbeat: { group: group('Read') },
  leaveGroup: { group: group('Read') },
  syncGroup: { group: group('Read') },
  describeGroups: { group: group('Describe') },
  listGroups: { cluster: cluster('Describe'), group: group('Describe') },
  createTopics: {
    cluster: cluster('Create'),
    topic: topic('Create'),
    configs: topic('DescribeConfigs'),
  },
  deleteTopics: { topic: topic('Delete'), describe: topic('Describe') },
  deleteRecords: { topic: topic('Delete') },
  initProducerId: {
    transactionalId: transactionalId('Write'),
    cluster: cluster('IdempotentWrite'),
    topic: topic('Write'),
  },
  offsetForLeaderEpoch: { topic: topic('Describe') },
  addPartitionsToTxn: { transactionalId: transactionalId('Write'), topic: topic('Write') },
  addOffsetsToTxn: { transactionalId: transactionalId('Write'), group: group('Read') },
  endTxn: { transactionalId: transactionalId('Write') },
  writeTxnMarkers: { alter: cluster('Alter'), cluster: cluster('ClusterAction') },
  txnOffsetCommit: {
    transactionalId: transactionalId('Write'),
    group: group('Read'),
    topic: topic('Read'),
  },
  describeAcls: { cluster: cluster('Describe') },
  createAcls: { cluster: cluster('Alter') },
  deleteAcls: { cluster: cluster('Alter') },
  describeConfigs: { topic: topic('DescribeConfigs'), cluster: cluster('DescribeConfigs') },
  alterConfigs: { topic: topic('AlterConfigs'), cluster: cluster('AlterConfigs') },
  incrementalAlterConfigs: { topic: topic('AlterConfigs'), cluster: cluster('AlterConfigs') },
  describeLogDirs: { cluster: cluster('Describe') },
  createPartitions: { topic: topic('Alter') },
  deleteGroups: { group: group('Delete') },
  electLeaders: { cluster: cluster('Alter') },
  alterPartitionReassignments: { cluster: cluster('Alter') },
  listPartitionReassignments: { cluster: cluster('Describe') },
  offsetDelete: { group: group('Delete'), topic: topic('Read') },
  describeClientQuotas: { cluster: cluster('DescribeConfigs') },
  alterClientQuotas: { cluster: cluster('AlterConfigs') },
  describeUserScramCredentials: { cluster: cluster('Describe') },
  alterUserScramCredentials: { cluster: cluster('Alter') },
  describeCluster: { cluster: cluster('Describe') },
  describeProducers: { topic: topic('Read') },
  describeTransactions: { transactionalId: transactionalId('Describe'), topic: topic('Describe') },
  listTransactions: { transactionalId: transactionalId('Describe') },
  describeTopicPartitions: { topic: topic('Describe') },
} as const satisfies Record<string, Readonly<Record<string, Permission>>>

/** All that can be asked for a resource of a type. */
export const allPermissions: Readonly<Record<ResourceType, readonly Permission[]>> = {
  Topic: supportedOperations.Topic.map(topic),
  Group: supportedOperations.Group.map(group),
  Cluster: supportedOperations.Cluster.map(cluster),
  TransactionalId: supportedOperations.TransactionalId.map(transactionalId),
}
