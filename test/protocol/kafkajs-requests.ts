import type { Untyped } from './untyped.ts'

/**
 * How kafkajs wants to be told what the fields of our requests say. `v` is a value of our request, in which 64-bit
 * numbers are JavaScript numbers; kafkajs writes those through its own Long.
 */
type Value = Record<string, Untyped>

const topics = (list: Value[], partition: (p: Value) => unknown): Value[] =>
  list.map(t => ({ topic: t.name, partitions: t.partitions.map(partition) }))
const acl = (v: Value): Value => ({
  resourceType: v.resourceTypeFilter,
  resourceName: v.resourceNameFilter,
  resourcePatternType: v.patternTypeFilter,
  principal: v.principalFilter,
  host: v.hostFilter,
  operation: v.operation,
  permissionType: v.permissionType,
})
const offsets = (list: Value[]): Value[] =>
  topics(list, p => ({
    partition: p.partitionIndex,
    offset: p.committedOffset,
    metadata: p.committedMetadata,
  }))
const configs = (list: Value[]): Value[] =>
  list.map(r => ({ type: r.resourceType, name: r.resourceName, configEntries: r.configs }))

/** By the name of the folder in kafkajs. */
export const kafkajsRequests: Record<string, (v: Value) => unknown> = {
  fetch: v => ({
    ...v,
    maxWaitTime: v.maxWaitMs,
    topics: v.topics.map((t: Value) => ({
      topic: t.topic,
      partitions: t.partitions.map((p: Value) => ({ ...p, maxBytes: p.partitionMaxBytes })),
    })),
    forgottenTopics: v.forgottenTopicsData,
  }),
  listOffsets: v => ({
    ...v,
    topics: topics(v.topics, p => ({ partition: p.partitionIndex, timestamp: p.timestamp })),
  }),
  metadata: v => ({ ...v, topics: v.topics.map((t: Value) => t.name) }),
  offsetCommit: v => ({
    ...v,
    groupGenerationId: v.generationIdOrMemberEpoch,
    retentionTime: v.retentionTimeMs,
    topics: offsets(v.topics),
  }),
  offsetFetch: v => ({
    groupId: v.groupId,
    topics: v.topics.map((t: Value) => ({
      topic: t.name,
      partitions: t.partitionIndexes.map((partition: number) => ({ partition })),
    })),
  }),
  findCoordinator: v => ({ coordinatorKey: v.key, groupId: v.key, coordinatorType: v.keyType }),
  joinGroup: v => ({
    ...v,
    sessionTimeout: v.sessionTimeoutMs,
    rebalanceTimeout: v.rebalanceTimeoutMs,
    groupProtocols: v.protocols,
  }),
  heartbeat: v => ({ ...v, groupGenerationId: v.generationId }),
  // From version 3 on kafkajs makes a list of one member.
  leaveGroup: v => ({ groupId: v.groupId, memberId: v.memberId, ...v.members[0] }),
  syncGroup: v => ({
    ...v,
    groupAssignment: v.assignments.map((a: Value) => ({ ...a, memberAssignment: a.assignment })),
  }),
  describeGroups: v => ({ groupIds: v.groups }),
  listGroups: () => undefined,
  saslHandshake: v => v,
  saslAuthenticate: v => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(v.authBytes.length)
    return { authBytes: Buffer.concat([length, v.authBytes]) }
  },
  apiVersions: () => undefined,
  createTopics: v => ({
    validateOnly: v.validateOnly,
    timeout: v.timeoutMs,
    topics: v.topics.map((t: Value) => ({
      topic: t.name,
      numPartitions: t.numPartitions,
      replicationFactor: t.replicationFactor,
      replicaAssignment: t.assignments.map((a: Value) => ({
        partition: a.partitionIndex,
        replicas: a.brokerIds,
      })),
      configEntries: t.configs,
    })),
  }),
  deleteTopics: v => ({ topics: v.topicNames, timeout: v.timeoutMs }),
  deleteRecords: v => ({
    timeout: v.timeoutMs,
    topics: topics(v.topics, p => ({ partition: p.partitionIndex, offset: p.offset })),
  }),
  initProducerId: v => ({ ...v, transactionTimeout: v.transactionTimeoutMs }),
  addPartitionsToTxn: v => ({ ...v, topics: topics(v.topics, p => p) }),
  addOffsetsToTxn: v => v,
  endTxn: v => ({ ...v, transactionResult: v.committed }),
  txnOffsetCommit: v => ({ ...v, topics: offsets(v.topics) }),
  describeAcls: v => acl(v),
  createAcls: v => v,
  deleteAcls: v => ({ filters: v.filters.map(acl) }),
  describeConfigs: v => ({
    includeSynonyms: v.includeSynonyms,
    resources: v.resources.map((r: Value) => ({
      type: r.resourceType,
      name: r.resourceName,
      configNames: r.configurationKeys,
    })),
  }),
  alterConfigs: v => ({ validateOnly: v.validateOnly, resources: configs(v.resources) }),
  createPartitions: v => ({
    validateOnly: v.validateOnly,
    timeout: v.timeoutMs,
    topicPartitions: v.topics.map((t: Value) => ({
      topic: t.name,
      count: t.count,
      assignments: t.assignments.map((a: Value) => a.brokerIds),
    })),
  }),
  deleteGroups: v => v.groupsNames,
  alterPartitionReassignments: v => ({
    timeout: v.timeoutMs,
    topics: v.topics.map((t: Value) => ({
      topic: t.name,
      partitionAssignment: t.partitions.map((p: Value) => ({
        partition: p.partitionIndex,
        replicas: p.replicas,
      })),
    })),
  }),
  listPartitionReassignments: v => ({
    timeout: v.timeoutMs,
    topics: v.topics.map((t: Value) => ({ topic: t.name, partitions: t.partitionIndexes })),
  }),
}
