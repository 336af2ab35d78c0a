/**
 * What the broker tells a Prometheus server, one entry each. Where Apache Kafka has the number, its name is the one that
 * the example rules of Prometheus' JMX exporter give it, so that dashboards made for Kafka work; numbers that only this
 * broker has begin with `millrace_`. Everything is read when it is asked for. `docs/broker.md` lists them; a test compares.
 */
import type { MetricDefinition } from '../../platform/prometheus-text.ts'
import { errorName } from '../../protocol/error-codes.ts'
import type { Broker } from '../broker.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { ListenerCounters, RequestCounters, TopicCounters } from './counters.ts'
import { bucketBoundsMs } from './histogram.ts'

type BrokerMetric = MetricDefinition<Broker>

interface PartitionOfTopic {
  readonly topic: string
  readonly partition: number
  readonly log: PartitionLog
}

export const metricDefinitions: readonly BrokerMetric[] = [
  ofTopics('messagesin', 'Records that producers appended', ({ messagesIn }) => messagesIn),
  ofTopics('bytesin', 'Bytes that producers appended, as sent', ({ bytesIn }) => bytesIn),
  ofTopics('bytesout', 'Bytes of records sent to consumers', ({ bytesOut }) => bytesOut),
  ofTopics('totalproducerequests', 'Batches to append', ({ produceRequests }) => produceRequests),
  ofTopics(
    'failedproducerequests',
    'Batches that were refused',
    ({ failedProduceRequests }) => failedProduceRequests,
  ),
  ofTopics('totalfetchrequests', 'Reads of partitions', ({ fetchRequests }) => fetchRequests),
  ofTopics(
    'failedfetchrequests',
    'Reads of partitions that were refused',
    ({ failedFetchRequests }) => failedFetchRequests,
  ),
  {
    name: 'kafka_network_requestmetrics_requests_total',
    help: 'Requests served',
    type: 'counter',
    labels: ['request', 'version'],
    *read(broker) {
      for (const { apiName, versions } of requestsOf(broker)) {
        // Versions that nobody asked for are holes.
        for (const [version, count] of Object.entries(versions)) yield [[apiName, version], count]
      }
    },
  },
  {
    name: 'kafka_network_requestmetrics_errors_total',
    help: 'Error codes in responses',
    type: 'counter',
    labels: ['request', 'error'],
    *read(broker) {
      for (const { apiName, errors } of requestsOf(broker)) {
        for (const [code, count] of errors) yield [[apiName, errorName(code)], count]
      }
    },
  },
  {
    name: 'kafka_network_requestmetrics_totaltimems',
    help: 'Milliseconds from a request to its response, waits for records and for the disk included',
    type: 'histogram',
    labels: ['request'],
    *read(broker) {
      for (const { apiName, times } of requestsOf(broker)) {
        const { buckets, sumMs: sum } = times
        yield [[apiName], { bounds: bucketBoundsMs, buckets, sum }]
      }
    },
  },
  ofListeners('connection_count', 'gauge', 'Open connections', each => each.accepted - each.closed),
  ofListeners(
    'connection_creation_total',
    'counter',
    'Connections accepted',
    ({ accepted }) => accepted,
  ),
  ofListeners('connection_close_total', 'counter', 'Connections closed', ({ closed }) => closed),
  {
    name: 'kafka_network_socketserver_expiredconnectionskilledcount',
    help: 'Connections closed because they were idle',
    type: 'counter',
    labels: ['listener'],
    *read({ counters }) {
      for (const [name, { closedIdle }] of counters.listeners) yield [[name], closedIdle]
    },
  },
  {
    name: 'kafka_network_socketserver_memorypoolused',
    help: 'Bytes of requests that are unfinished or unanswered',
    type: 'gauge',
    labels: [],
    *read({ connectionMemory }) {
      yield [[], connectionMemory.requestBytes]
    },
  },
  {
    name: 'millrace_queued_response_bytes',
    help: 'Bytes of responses that clients have not taken',
    type: 'gauge',
    labels: [],
    *read({ connectionMemory }) {
      yield [[], connectionMemory.responseBytes]
    },
  },
  {
    name: 'millrace_connections_refused_total',
    help: 'Connections refused because there were too many, in all or from one address',
    type: 'counter',
    labels: ['listener', 'limit'],
    *read({ counters }) {
      for (const [name, { refused, refusedPerIp }] of counters.listeners) {
        yield [[name, 'maxConnections'], refused]
        yield [[name, 'maxConnectionsPerIp'], refusedPerIp]
      }
    },
  },
  {
    name: 'millrace_connections_cut_total',
    help: 'Connections closed because their client did what it should not',
    type: 'counter',
    labels: ['listener', 'reason'],
    *read({ counters }) {
      for (const [name, { closedUnfinished, closedSlow, closedProtocol }] of counters.listeners) {
        yield [[name, 'unfinished request'], closedUnfinished]
        yield [[name, 'responses not read'], closedSlow]
        yield [[name, 'protocol'], closedProtocol]
      }
    },
  },
  {
    name: 'kafka_server_delayedoperationpurgatory_purgatorysize',
    help: 'Requests that wait for something',
    type: 'gauge',
    labels: ['delayedoperation'],
    *read({ counters }) {
      yield [['Fetch'], counters.parkedFetches]
    },
  },
  ofPartitions('kafka_log_log_size', 'Bytes of log', log => log.sizeInBytes),
  ofPartitions('kafka_log_log_numlogsegments', 'Segments', log => log.segmentCount),
  ofPartitions(
    'kafka_log_log_logstartoffset',
    'First offset that can be read',
    log => log.startOffset,
  ),
  ofPartitions('kafka_log_log_logendoffset', 'Offset of the next record', log => log.endOffset),
  {
    name: 'kafka_log_logflushstats_logflushrateandtimems',
    help: 'Flushes to the device, in milliseconds',
    type: 'summary',
    labels: [],
    *read(broker) {
      let count = 0
      let sum = 0
      for (const { log } of partitionsOf(broker)) {
        count += log.flushes.count
        sum += log.flushes.durationMs
      }
      yield [[], { count, sum }]
    },
  },
  gauge(
    'kafka_server_replicamanager_partitioncount',
    'Partitions',
    broker => partitionsOf(broker).length,
  ),
  gauge(
    'kafka_server_replicamanager_offlinereplicacount',
    'Partitions that take no more writes because a flush failed',
    broker => partitionsOf(broker).filter(({ log }) => log.failure !== undefined).length,
  ),
  gauge(
    'kafka_controller_kafkacontroller_globaltopiccount',
    'Topics',
    ({ topics }) => topics.all().length,
  ),
  gauge(
    'kafka_coordinator_group_groupmetadatamanager_numgroups',
    'Groups',
    ({ groups }) => groups.groups().length,
  ),
  ...(['Empty', 'PreparingRebalance', 'CompletingRebalance', 'Stable', 'Dead'] as const).map(
    phase =>
      gauge(
        `kafka_coordinator_group_groupmetadatamanager_numgroups${phase.toLowerCase()}`,
        `Groups in the state ${phase}`,
        ({ groups }) => groups.groups().filter(group => group.phase === phase).length,
      ),
  ),
  gauge(
    'kafka_coordinator_group_groupmetadatamanager_numoffsets',
    'Committed offsets of all groups',
    ({ groups }) =>
      groups
        .groups()
        .flatMap(({ offsets }) => [...offsets.values()])
        .reduce((sum, partitions) => sum + partitions.size, 0),
  ),
  {
    name: 'millrace_transactional_ids',
    help: 'Transactional ids, by the state of their latest transaction',
    type: 'gauge',
    labels: ['state'],
    *read({ transactions }) {
      const counts = new Map<string, number>()
      for (const { phase } of transactions.states()) counts.set(phase, (counts.get(phase) ?? 0) + 1)
      for (const [phase, count] of counts) yield [[phase], count]
    },
  },
  ofPartitions(
    'millrace_log_laststableoffset',
    'Where readers of committed records stop',
    log => log.lastStableOffset,
  ),
  {
    name: 'kafka_server_socketservermetrics_failed_authentication_total',
    help: 'Connections closed because their client did not prove who it is',
    type: 'counter',
    labels: ['listener'],
    *read({ counters }) {
      for (const [name, { failedLogins }] of counters.listeners) yield [[name], failedLogins]
    },
  },
  {
    name: 'millrace_upkeep_milliseconds_total',
    help: 'Time spent on deleting and compacting',
    type: 'counter',
    labels: [],
    *read({ counters }) {
      yield [[], counters.upkeep.durationMs]
    },
  },
  {
    name: 'millrace_upkeep_failures_total',
    help: 'Partitions in which deleting or compacting failed; the next look tries again',
    type: 'counter',
    labels: [],
    *read({ counters }) {
      yield [[], counters.upkeep.failures]
    },
  },
]

function ofTopics(
  name: string,
  help: string,
  value: (counters: TopicCounters) => number,
): BrokerMetric {
  return {
    name: `kafka_server_brokertopicmetrics_${name}_total`,
    help,
    type: 'counter',
    labels: ['topic'],
    *read({ topics }) {
      for (const topic of topics.all()) yield [[topic.name], value(topic.counters)]
    },
  }
}

function ofListeners(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  value: (counters: ListenerCounters) => number,
): BrokerMetric {
  return {
    name: `kafka_server_socketservermetrics_${name}`,
    help,
    type,
    labels: ['listener'],
    *read({ counters }) {
      for (const [listener, each] of counters.listeners) yield [[listener], value(each)]
    },
  }
}

function ofPartitions(
  name: string,
  help: string,
  value: (log: PartitionLog) => number,
): BrokerMetric {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['topic', 'partition'],
    *read(broker) {
      for (const { topic, partition, log } of partitionsOf(broker)) {
        yield [[topic, String(partition)], value(log)]
      }
    },
  }
}

function gauge(name: string, help: string, value: (broker: Broker) => number): BrokerMetric {
  return {
    name,
    help,
    type: 'gauge',
    labels: [],
    *read(broker) {
      yield [[], value(broker)]
    },
  }
}

function requestsOf({ counters }: Broker): RequestCounters[] {
  // APIs that nobody asked for are holes.
  return Object.values(counters.requests)
}

/** The logs of all partitions. */
export function partitionsOf({ topics }: Pick<Broker, 'topics'>): PartitionOfTopic[] {
  return topics
    .all()
    .flatMap(({ name, partitions }) =>
      partitions.map((log, partition) => ({ topic: name, partition, log })),
    )
}
