/** What an application tells Prometheus: of each thing that happened, the number that says so. */
import { expect, test } from 'vitest'
import { startBroker } from '../../../src/broker/start-broker.ts'
import { createLogClient } from '../../../src/client/kafka-client.ts'
import { defineApp } from '../../../src/dsl/define-app.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import type { Application } from '../../../src/runtime/application.ts'
import { startApplication } from '../../../src/runtime/application.ts'
import { metricDefinitions } from '../../../src/runtime/metrics/metric-definitions.ts'
import { string } from '../../../src/serde/string.ts'
import { memoryEngine } from '../../../src/state/memory-engine.ts'
import { tumbling } from '../../../src/windowing/time-windows.ts'
import { parsePrometheus, type ParsedMetric } from '../../prometheus-parser.ts'
import { simulatedLog } from '../simulated-log.ts'
import { produce, record, temporaryFolder } from '../testbed.ts'

const text = { key: string(), value: string() }

/** Counts by window, of which late records are dropped. */
const app = defineApp('app', builder => {
  const source = builder.stream('in', text)
  source
    .groupByKey()
    .windowedBy(tumbling({ seconds: 1 }))
    .count({ store: 'counts' })
  source.to('out')
})

/** The sum of the samples whose labels have this in them. */
function value(metrics: Map<string, ParsedMetric>, name: string, label = ''): number | undefined {
  const samples = [...(metrics.get(name)?.samples ?? [])].filter(([labels]) =>
    labels.includes(label),
  )
  return samples.length === 0 ? undefined : samples.reduce((sum, [, number]) => sum + number, 0)
}

const numbersOf = (application: Application) => parsePrometheus(application.metricsText())

test('records, commits, lateness and lag, and what is restored', async () => {
  const world = await simulatedLog()
  const { client } = world
  await world.run(client.createTopics([{ name: 'in', partitions: 2 }, { name: 'out' }]))
  const first = await world.run(startApplication(app, world.options))
  await world.until(() => first.state === 'RUNNING')
  const records = [record('a', 'x', 5000), record('a', 'y', 4500), record('a', 'z', 100)]
  await world.run(produce(client, 'in', records))
  await world.pass(2000)
  const metrics = numbersOf(first)
  const of = (name: string, label?: string) => value(metrics, `kafka_streams_stream_${name}`, label)
  expect(of('metrics_client_state')).toBe(2)
  expect(of('metrics_alive_stream_threads')).toBe(1)
  expect(of('metrics_failed_stream_threads_total')).toBe(0)
  expect(of('metrics_info', 'application_id="app"')).toBe(1)
  expect(of('thread_metrics_task_created_total')).toBe(2)
  expect(of('thread_metrics_commit_total')).toBeGreaterThan(0)
  expect(of('thread_metrics_process_total')).toBeGreaterThan(0)
  expect(of('task_metrics_process_total')).toBe(3)
  expect(of('processor_node_metrics_process_total', 'KSTREAM-SOURCE-0000000000')).toBe(3)
  expect(of('task_metrics_record_lateness_max')).toBe(4900)
  expect(of('task_metrics_record_lateness_avg')).toBe(1800)
  expect(of('task_metrics_record_e2e_latency_max')).toBeGreaterThan(0)
  expect(of('topic_metrics_records_produced_total', 'topic="out"')).toBe(3)
  expect(of('topic_metrics_bytes_produced_total', 'topic="app-counts-changelog"')).toBeGreaterThan(
    0,
  )
  expect(of('topic_metrics_bytes_consumed_total')).toBeGreaterThan(0)
  expect(of('task_metrics_dropped_records_total')).toBe(2)
  expect(value(metrics, 'kafka_consumer_consumer_fetch_manager_metrics_records_lag')).toBe(0)

  first.pause()
  expect(value(numbersOf(first), 'millrace_paused')).toBe(1)
  first.resume()
  await world.run(first.close())
  const closed = numbersOf(first)
  expect(value(closed, 'kafka_streams_stream_metrics_client_state')).toBe(4)
  expect(value(closed, 'kafka_streams_stream_thread_metrics_task_closed_total')).toBe(2)

  // Stores are in memory, and a new engine has none.
  const second = await world.run(
    startApplication(app, { ...world.options, engine: memoryEngine() }),
  )
  await world.until(() => second.state === 'RUNNING')
  const restored = numbersOf(second)
  const updater = 'kafka_streams_stream_state_updater_metrics_restore_records_total'
  expect(value(restored, updater)).toBe(1)
  const remaining = 'kafka_streams_stream_state_metrics_restore_remaining_records_total'
  expect(value(restored, remaining)).toBeUndefined()
  await world.run(second.close())
})

test('GET /metrics has them, with those of the process', async () => {
  await using broker = await startBroker({ flush: 'os' })
  const [platform, bootstrap] = [nodePlatform(), [broker.address]]
  await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
  await client.createTopics([{ name: 'in' }, { name: 'out' }])
  using folder = temporaryFolder()
  await using application = await startApplication(app, {
    client,
    stateFolder: folder.path,
    engine: memoryEngine(),
    applicationServer: '127.0.0.1:0',
  })
  const response = await fetch(`http://${application.endpoint}/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const metrics = parsePrometheus(await response.text())
  for (const { name, type } of metricDefinitions) expect(metrics.get(name)?.type).toBe(type)
  expect(value(metrics, 'process_resident_memory_bytes')).toBeGreaterThan(0)
})

test('the broker speaks the same format', async () => {
  await using broker = await startBroker({ flush: 'os', topics: [{ name: 'in', partitions: 3 }] })
  expect(value(parsePrometheus(broker.metrics()), 'kafka_log_log_logendoffset')).toBe(0)
})
