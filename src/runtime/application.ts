import { join } from 'node:path'
import type { LogClient } from '../client/log-client.ts'
import type { App } from '../dsl/define-app.ts'
import { resolveStreamsConfig, type StreamsConfig } from '../dsl/streams-config.ts'
import { type TaskConfig, resolveTaskConfig } from '../topology/task-config.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { nodePlatform } from '../platform/node-platform.ts'
import type { Platform } from '../platform/platform.ts'
import { levelEngine } from '../state/level-engine.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { RestoreListener, StandbyUpdateListener } from './restore-listener.ts'
import type { QueryableStore } from '../state/stores.ts'
import { ApplicationInstance } from './application-instance.ts'
import type { ApplicationState, StateListener } from './application-state.ts'
import { makeDurableFolder } from '../platform/make-durable-folder.ts'
import type { ApplicationMetrics } from './metrics/application-metrics.ts'
import type { LagInfo } from './queries/instance-queries.ts'
import type { QueryRequest, QueryResult } from './queries/query.ts'
import type { StoreQueryOptions } from './queries/store-view.ts'
import type { StreamsMetadata } from './queries/streams-metadata.ts'

/**
 * What an application needs, and how it is told about. What is given here of a `TaskConfig` or `StreamsConfig` overrules the
 * app's.
 */
export interface ApplicationOptions extends TaskConfig, StreamsConfig {
  /** The log that the application reads and writes. It stays open when the application closes. */
  readonly client: LogClient
  /** Folder of this instance alone: its identity and the state of its tasks. Created when absent. */
  readonly stateFolder: string
  /** @defaultValue nodePlatform() */
  readonly platform?: Platform
  /** Where stores keep their rows. @defaultValue LevelDB in the state folder */
  readonly engine?: StoreEngine
  /** @defaultValue silentLogger */
  readonly logger?: Logger
  /**
   * Called after each change of `state`. An error that it throws stops the application; while the application stops
   * already, it is only logged.
   */
  readonly onState?: StateListener
  /** Hears how stores are restored before their tasks process. Kafka Streams' `setGlobalStateRestoreListener`. */
  readonly restoreListener?: RestoreListener
  /** Hears how standbys follow their changelogs. Kafka Streams' `setStandbyUpdateListener`. */
  readonly standbyUpdateListener?: StandbyUpdateListener
  /** Called during `untilEnd` with the number of input records done, and their total. */
  readonly onProgress?: (done: number, total: number) => void
}

/** One running instance of an application. Kafka Streams calls it `KafkaStreams`. */
export interface Application extends AsyncDisposable {
  /** The application id: the name of its group and the prefix of its internal topics. */
  readonly name: string
  readonly state: ApplicationState
  /** Resolves when the application has been closed; rejects with the error that stopped it. */
  readonly finished: Promise<void>
  /**
   * Bounded run: resolves when everything that the input topics held at the call has gone through the whole topology
   * and is committed, no matter which instances did it; or early, when `signal` is aborted or the application is
   * closed. The application goes on afterwards, so that stores can be queried: close it. Rejects with the error that
   * stops the application.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'in' }, { name: 'out' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * await application.untilEnd() // → { processed: 0, emitted: 0, … }
   * ```
   */
  untilEnd(options?: { signal?: AbortSignal }): Promise<ApplicationMetrics>
  /**
   * The rows that this instance has of a store, or a global table: `get(key)`, `fetch(key, windowStart)`, `all()`.
   * Reads see what the running tasks have written, committed or not (Kafka Streams' default, READ_UNCOMMITTED). The
   * caller names the interface that the kind of the store promises. Throws UNKNOWN_STORE when the topology has no such
   * store; reads throw STORE_NOT_READY while tasks are being moved or restored, and CLOSED after the end.
   *
   * @example
   * ```ts
   * import { Kafka } from 'kafkajs'
   * import { createLogClient, defineApp, nodePlatform, startApplication } from 'millrace'
   * import type { ReadOnlyKeyValueStore, ReadOnlyWindowStore } from 'millrace'
   * import { string, tumbling } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('counts', builder => {
   *   const grouped = builder.stream('words', text).groupByKey()
   *   grouped.count({ store: 'counts' })
   *   grouped.windowedBy(tumbling({ minutes: 1 })).count({ store: 'per-minute' })
   * })
   * await using broker = await startBroker()
   * const producer = new Kafka({ brokers: [broker.bootstrap] }).producer()
   * await producer.connect()
   * const messages = [{ key: 'a', value: 'yes', timestamp: '61000' }]
   * await producer.send({ topic: 'words', messages })
   * await producer.disconnect()
   *
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * await application.untilEnd()
   * const counts = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
   * counts.get('a') // → { value: 1, timestamp: 61_000 }
   * const keys: string[] = []
   * for await (const { key } of counts.all()) keys.push(key)
   * keys // → ['a']
   * const perMinute = application.store<ReadOnlyWindowStore<string, number>>('per-minute')
   * perMinute.fetch('a', 60_000)?.value // → 1
   * application.store('count') // throws UNKNOWN_STORE
   * ```
   */
  store<S extends QueryableStore = QueryableStore>(name: string, options?: StoreQueryOptions): S
  /**
   * Asks the partitions of a store that this instance has. Each has an answer of its own, or says why it has none; all tell how
   * far in the inputs the store has come. Kafka Streams' `KafkaStreams#query` (KIP-796). Throws UNKNOWN_STORE when there is no
   * such store, SERDE_ERROR for a key that is none, CLOSED after the end.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, keyQuery, nodePlatform, startApplication } from 'millrace'
   * import { string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('counts', builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'words' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * await application.untilEnd()
   * const query = keyQuery<string, number>('a')
   * const { partitions } = await application.query({ store: 'counts', query, requireActive: true })
   * partitions.get(0) // → { ok: true, partition: 0, value: undefined, role: 'active', position: {} }
   * ```
   */
  query<Result>(request: QueryRequest<Result>): Promise<QueryResult<Result>>
  /** `host:port` at which the instance can be asked; null without an `applicationServer`. */
  readonly endpoint: string | null
  /**
   * Which instances have which partitions of which stores, as far as they can be asked (`applicationServer`): `ofKey`,
   * `instances`. Kafka Streams' `queryMetadataForKey` and `metadataForAllStreamsClients`.
   */
  readonly streamsMetadata: StreamsMetadata
  /**
   * By store and partition, how far what this instance has is behind the changelogs: for reads that may be stale.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('counts', builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'words' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * await application.untilEnd()
   * const lags = await application.allLocalStorePartitionLags()
   * lags.get('counts')?.get(0)?.lag // → 0
   * ```
   */
  allLocalStorePartitionLags(): Promise<ReadonlyMap<string, ReadonlyMap<number, LagInfo>>>
  /** Whether `pause` was called, and `resume` not since. */
  readonly isPaused: boolean
  /**
   * Has this instance process no more records and call no punctuators until `resume`; other instances go on. It stays a member
   * of its group with its tasks, which are restored if need be, commits what was processed, and its stores can be read; `state`
   * says nothing of it. A bounded run waits. Kafka Streams' `KafkaStreams#pause` (KIP-834).
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'in' }, { name: 'out' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * application.pause()
   * application.isPaused // → true
   * application.resume()
   * application.isPaused // → false
   * ```
   */
  pause(): void
  /**
   * Ends a pause: the instance goes on where it was. `KafkaStreams#resume`.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'in' }, { name: 'out' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * application.resume() // does nothing unless it is paused
   * application.isPaused // → false
   * ```
   */
  resume(): void
  /**
   * What this instance has done since it started.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'in' }, { name: 'out' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * application.metrics() // → { processed: 0, emitted: 0, dropped: 0, restored: 0, … }
   * ```
   */
  metrics(): ApplicationMetrics
  /**
   * What there is to measure of this instance in the text format of Prometheus, as `GET /metrics` of its server gives it, but
   * without the numbers of the process. `docs/monitoring.md` lists them. Kafka Streams' `KafkaStreams#metrics`.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'in' }, { name: 'out' }])
   * await using application = await startApplication(app, { client, stateFolder: './state' })
   * application.metricsText().includes('# TYPE kafka_streams_stream_metrics_client_state gauge') // → true
   * ```
   */
  metricsText(): string
  /**
   * Stops in good order: processes no more, commits, closes the stores, leaves the group, so that other instances take its tasks
   * over at once. Calling it again waits for the same end.
   *
   * With `leaveGroup: false` it keeps its place for a restart in the same folder (KIP-1153, `REMAIN_IN_GROUP`): the tasks wait for
   * it, without a rebalance, and go to others when it has not come back within
   * `sessionTimeoutMs`. After an error it leaves in any case.
   *
   * Rejects when the last commit failed, with CONNECTION_LOST when the log has not answered for 10 seconds;
   * after another error, which `finished` reports, it only waits.
   *
   * @example
   * ```ts
   * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('copy', builder => builder.stream('in', text).to('out'))
   * await using broker = await startBroker()
   * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
   * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
   * await client.createTopics([{ name: 'in' }, { name: 'out' }])
   * const application = await startApplication(app, { client, stateFolder: './state' })
   * await application.close()
   * application.state // → 'NOT_RUNNING'
   * ```
   */
  close(options?: CloseOptions): Promise<void>
}

/** How an instance stops. Kafka Streams' `CloseOptions`. */
export interface CloseOptions {
  /**
   * Whether it leaves its group, which gives its tasks to other instances at once, or keeps its place for its restart.
   * @defaultValue true
   */
  readonly leaveGroup?: boolean
}

/**
 * Starts an instance of an application: creates internal topics and reads its global tables before it resolves. From then
 * on it joins its group in the background and processes what the group assigns to it, until `close` or an error;
 * `state` is RUNNING when all its tasks process.
 *
 * Throws FOLDER_LOCKED when another instance uses the state folder, MISSING_TOPIC or WRONG_PARTITIONS when the topics
 * are not what the topology needs, and whatever the log refuses.
 *
 * @example
 * ```ts
 * import { Kafka } from 'kafkajs'
 * import { createLogClient, defineApp, nodePlatform, startApplication, string } from 'millrace'
 * import { startBroker } from 'millrace/broker'
 *
 * const text = { key: string(), value: string() }
 * const app = defineApp('count', builder => {
 *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
 * })
 * await using broker = await startBroker()
 * const producer = new Kafka({ brokers: [broker.bootstrap] }).producer()
 * await producer.connect()
 * await producer.send({ topic: 'words', messages: [{ key: 'a', value: 'yes' }] })
 * await producer.disconnect()
 *
 * const [platform, bootstrap] = [nodePlatform(), [broker.address]]
 * await using client = createLogClient({ platform, bootstrap, connector: broker.connector() })
 * const options = { client, stateFolder: './state' }
 * await using application = await startApplication(app, options)
 * await application.untilEnd() // → { processed: 1, … }
 * await startApplication(app, options) // throws FOLDER_LOCKED
 * ```
 */
export async function startApplication(
  app: App,
  options: ApplicationOptions,
): Promise<Application> {
  const { client, stateFolder, platform = nodePlatform(), logger = silentLogger } = options
  const topology = app.compile()
  await makeDurableFolder(platform.files, stateFolder)
  const lock = platform.files.lock(stateFolder)
  try {
    return await ApplicationInstance.start({
      name: app.name,
      topology,
      client,
      platform,
      logger,
      stateFolder,
      engine: options.engine ?? levelEngine({ ...platform, folder: join(stateFolder, 'tasks') }),
      config: resolveTaskConfig(app.taskConfig, options),
      streamsConfig: resolveStreamsConfig(app.streamsConfig, options),
      restoreListener: options.restoreListener ?? {},
      standbyUpdateListener: options.standbyUpdateListener ?? {},
      onState: options.onState ?? (() => {}),
      onProgress: options.onProgress ?? (() => {}),
      onClosed: () => lock.release(),
    })
  } catch (error) {
    lock.release()
    throw error
  }
}
