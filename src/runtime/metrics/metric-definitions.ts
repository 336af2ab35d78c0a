/**
 * What an instance tells a Prometheus server, one entry each. Where Kafka Streams has the number, its name is the one that Prometheus'
 * JMX exporter gives it by default, in lower case, so that dashboards made for Kafka Streams work; counters end in `_total`, and
 * numbers that only Millrace has begin with `millrace_`. Rates are left to Prometheus, which has them from the totals. Everything is read when it is asked
 * for. `docs/monitoring.md` lists them; a test compares.
 */
import type { TopicPartition } from '../../client/log-client.ts'
import type { MetricDefinition, Sample } from '../../platform/prometheus-text.ts'
import type { ApplicationState } from '../application-state.ts'
import type { ApplicationMetrics } from './application-metrics.ts'
import type { Behind, InstanceMeasures, Produced } from './instance-measures.ts'
import type { RecentStat } from './recent-stat.ts'
import type { TaskMeasures } from './task-measures.ts'

/** What metrics read of an instance. */
export interface ObservedInstance {
  readonly applicationId: string
  /** Kafka Streams' `client.id`. */
  readonly clientId: string
  readonly state: ApplicationState
  readonly isPaused: boolean
  readonly counters: ApplicationMetrics
  readonly measures: InstanceMeasures
  readonly cacheBytes: number
  /** Those at work here. */
  readonly tasks: readonly ObservedTask[]
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly nowMs: number
  /** The monotonic clock. */
  readonly monotonicMs: number
}

/** What metrics read of a task. */
export interface ObservedTask {
  readonly taskId: string
  readonly inputs: readonly ObservedInput[]
  readonly droppedRecords: number
  readonly callsInFlight: number
  readonly measures: TaskMeasures
}

/** What metrics read of a partition that a task reads. */
export interface ObservedInput extends TopicPartition {
  readonly source: { readonly name: string }
  readonly bufferedBytes: number
  readonly takenRecords: number
  readonly takenBytes: number
  /** Undefined while nobody knows how far the partition goes. */
  readonly lag: number | undefined
}

type InstanceMetric = MetricDefinition<ObservedInstance>

export const metricDefinitions: readonly InstanceMetric[] = [
  {
    name: 'kafka_streams_stream_metrics_info',
    help: 'Always 1: what the instance is part of',
    type: 'gauge',
    labels: ['client_id', 'application_id'],
    *read({ clientId, applicationId }) {
      yield [[clientId, applicationId], 1]
    },
  },
  ofClient(
    'client_state',
    'State: 0 CREATED, 1 REBALANCING, 2 RUNNING, 3 PENDING_SHUTDOWN, 4 NOT_RUNNING, 5 PENDING_ERROR, 6 ERROR',
    'gauge',
    ({ state }) => stateNumbers[state],
  ),
  ofClient('alive_stream_threads', 'Workers that live: 1 or 0', 'gauge', ({ state }) =>
    state === 'NOT_RUNNING' || state === 'ERROR' ? 0 : 1,
  ),
  ofClient(
    'failed_stream_threads_total',
    'Lives of the worker that ended with an error since the start',
    'counter',
    ({ measures }) => measures.failures,
  ),
  {
    name: 'millrace_paused',
    help: '1 while the instance is paused, else 0',
    type: 'gauge',
    labels: ['client_id'],
    *read({ clientId, isPaused }) {
      yield [[clientId], isPaused ? 1 : 0]
    },
  },
  ...ofThread('process', 'slices in which tasks processed', ({ process }) => process),
  ...ofThread('commit', 'commits', ({ commit }) => commit),
  ...ofThread('punctuate', 'calls of punctuators by the wall clock', stats => stats.punctuate),
  ofThreadCount('task_created_total', 'Tasks that began to work', stats => stats.tasksCreated),
  ofThreadCount('task_closed_total', 'Tasks that ended', ({ tasksClosed }) => tasksClosed),
  {
    name: 'kafka_streams_stream_state_updater_metrics_restore_records_total',
    help: 'Changelog records that were applied to stores, of tasks and of standbys',
    type: 'counter',
    labels: ['thread_id'],
    *read({ clientId, counters }) {
      yield [[threadId(clientId)], counters.restored]
    },
  },
  ofChangelogs(
    'kafka_streams_stream_state_metrics_restore_remaining_records_total',
    'Changelog records until a store is restored; no sample when it is',
    ({ restoring }) => restoring,
  ),
  ofChangelogs(
    'millrace_standby_lag_records',
    'Changelog records that the store of a standby lacks',
    ({ standbys }) => standbys,
  ),
  ofInputs(
    'kafka_streams_stream_processor_node_metrics_process_total',
    'Records that a source took',
    'counter',
    ({ takenRecords }) => takenRecords,
  ),
  ofInputs(
    'kafka_streams_stream_topic_metrics_bytes_consumed_total',
    'Bytes of the batches that a source has used up, as they were sent',
    'counter',
    ({ takenBytes }) => takenBytes,
  ),
  ofInputs(
    'kafka_consumer_consumer_fetch_manager_metrics_records_lag',
    'Records of a partition that are not processed, and marks of transactions among them',
    'gauge',
    ({ lag }) => lag,
  ),
  ofTasks('process_total', 'Records processed', 'counter', ({ inputs }) =>
    inputs.reduce((sum, { takenRecords }) => sum + takenRecords, 0),
  ),
  ofTasks(
    'dropped_records_total',
    'Records that were left out: late ones, and those that a handler or an operator refused',
    'counter',
    ({ droppedRecords }) => droppedRecords,
  ),
  ofTasks('input_buffer_bytes_total', 'Bytes that were fetched and not processed', 'gauge', task =>
    task.inputs.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0),
  ),
  ...ofTaskStats(
    'record_lateness',
    'milliseconds that timestamps were behind stream time',
    ({ lateness }) => lateness,
  ),
  ...ofTaskStats(
    'record_e2e_latency',
    'milliseconds from the timestamps of records until they were processed',
    ({ endToEnd }) => endToEnd,
  ),
  {
    name: 'millrace_async_calls',
    help: 'Records whose work in mapAsync and its like has not ended',
    type: 'gauge',
    labels: ['thread_id', 'task_id'],
    *read({ clientId, tasks }) {
      const thread = threadId(clientId)
      for (const { taskId, callsInFlight } of tasks) yield [[thread, taskId], callsInFlight]
    },
  },
  ofTopics('records_produced', 'Records committed', ({ records }) => records),
  ofTopics('bytes_produced', 'Bytes of the batches committed', ({ bytes }) => bytes),
  {
    name: 'millrace_cache_size_bytes',
    help: 'Bytes of updates of tables that wait for the next commit',
    type: 'gauge',
    labels: ['client_id'],
    *read({ clientId, cacheBytes }) {
      yield [[clientId], cacheBytes]
    },
  },
]

/** Ordinals of `KafkaStreams.State`, as `client-state` has them (KIP-1091). */
const stateNumbers: Readonly<Record<ApplicationState, number>> = {
  CREATED: 0,
  REBALANCING: 1,
  RUNNING: 2,
  PENDING_SHUTDOWN: 3,
  NOT_RUNNING: 4,
  PENDING_ERROR: 5,
  ERROR: 6,
}

/** An instance has one worker. */
const threadId = (clientId: string): string => `${clientId}-StreamThread-1`

function ofClient(
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  value: (instance: ObservedInstance) => number,
): InstanceMetric {
  return {
    name: `kafka_streams_stream_metrics_${name}`,
    help,
    type,
    labels: ['client_id'],
    *read(instance) {
      yield [[instance.clientId], value(instance)]
    },
  }
}

function ofThreadCount(
  name: string,
  help: string,
  value: (measures: InstanceMeasures) => number,
): InstanceMetric {
  return {
    name: `kafka_streams_stream_thread_metrics_${name}`,
    help,
    type: 'counter',
    labels: ['thread_id'],
    *read({ clientId, measures }) {
      yield [[threadId(clientId)], value(measures)]
    },
  }
}

/** What takes time in the worker: how often, how long together, and how long lately. */
function ofThread(
  name: string,
  what: string,
  stat: (measures: InstanceMeasures) => RecentStat,
): InstanceMetric[] {
  const gauge = (part: 'avg' | 'max', help: string): InstanceMetric => ({
    name: `kafka_streams_stream_thread_metrics_${name}_latency_${part}`,
    help: `${help} of ${what} in the last half to whole minute, in milliseconds`,
    type: 'gauge',
    labels: ['thread_id'],
    *read({ clientId, measures, monotonicMs }) {
      const recent = stat(measures).recent(monotonicMs)
      if (recent !== undefined) yield [[threadId(clientId)], recent[part]]
    },
  })
  return [
    ofThreadCount(`${name}_total`, `Number of ${what}`, measures => stat(measures).count),
    ofThreadCount(
      `${name}_latency_milliseconds_total`,
      `Time of all ${what}, in milliseconds`,
      measures => stat(measures).sum,
    ),
    gauge('avg', 'Average time'),
    gauge('max', 'Longest time'),
  ]
}

function ofTasks(
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  value: (task: ObservedTask) => number | undefined,
): InstanceMetric {
  return {
    name: `kafka_streams_stream_task_metrics_${name}`,
    help,
    type,
    labels: ['thread_id', 'task_id'],
    *read({ clientId, tasks }) {
      for (const task of tasks) {
        const now = value(task)
        if (now !== undefined) yield [[threadId(clientId), task.taskId], now]
      }
    },
  }
}

function ofTaskStats(
  name: string,
  what: string,
  stat: (measures: TaskMeasures) => RecentStat,
): InstanceMetric[] {
  return (['avg', 'max'] as const).map(part => ({
    name: `kafka_streams_stream_task_metrics_${name}_${part}`,
    help: `${part === 'avg' ? 'Average' : 'Largest number of'} ${what}, in the last half to whole minute`,
    type: 'gauge',
    labels: ['thread_id', 'task_id'],
    *read({ clientId, tasks, nowMs }: ObservedInstance): Generator<Sample<number>> {
      for (const { taskId, measures } of tasks) {
        const recent = stat(measures).recent(nowMs)
        if (recent !== undefined) yield [[threadId(clientId), taskId], recent[part]]
      }
    },
  }))
}

function ofInputs(
  name: string,
  help: string,
  type: 'counter' | 'gauge',
  value: (input: ObservedInput) => number | undefined,
): InstanceMetric {
  return {
    name,
    help,
    type,
    labels: ['thread_id', 'task_id', 'processor_node_id', 'topic', 'partition'],
    *read({ clientId, tasks }) {
      const thread = threadId(clientId)
      for (const { taskId, inputs } of tasks) {
        for (const input of inputs) {
          const { topic, partition, source } = input
          const now = value(input)
          if (now === undefined) continue
          yield [[thread, taskId, source.name, topic, String(partition)], now]
        }
      }
    },
  }
}

function ofChangelogs(
  name: string,
  help: string,
  which: (measures: InstanceMeasures) => ReadonlyMap<string, Behind>,
): InstanceMetric {
  return {
    name,
    help,
    type: 'gauge',
    labels: ['thread_id', 'store', 'topic', 'partition'],
    *read({ clientId, measures }) {
      for (const { store, topic, partition, nextOffset, endOffset } of which(measures).values()) {
        const labels = [threadId(clientId), store, topic, String(partition)]
        yield [labels, Math.max(0, endOffset - nextOffset)]
      }
    },
  }
}

function ofTopics(
  name: string,
  help: string,
  value: (produced: Produced) => number,
): InstanceMetric {
  return {
    name: `kafka_streams_stream_topic_metrics_${name}_total`,
    help: `${help} to a topic, changelogs and repartition topics included`,
    type: 'counter',
    labels: ['thread_id', 'topic'],
    *read({ clientId, measures }) {
      for (const [topic, produced] of measures.produced) {
        yield [[threadId(clientId), topic], value(produced)]
      }
    },
  }
}
