import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connector } from '../client/connection.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { nodePlatform } from '../platform/node-platform.ts'
import type { Address, Listener, Platform } from '../platform/platform.ts'
import { type Broker, openBroker } from './broker.ts'
import {
  type CompleteBrokerOptions,
  type CompleteTopicToCreate,
  completeBrokerOptions,
} from './broker-options.ts'
import type { BrokerConfig } from './config.ts'
import type { ListenerConfig } from './listener-config.ts'
import { prometheusText } from '../platform/prometheus-text.ts'
import { metricDefinitions } from './metrics/metric-definitions.ts'
import { type OpenListener, serve } from './server.ts'

/**
 * A topic that is to exist.
 */
export interface TopicToCreate {
  readonly name: string
  /** @defaultValue `numPartitions` of the broker */
  readonly partitions?: number
  /** Settings under Kafka's names, such as `cleanup.policy`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
}

/**
 * Somebody who can log in at listeners with SASL.
 */
export interface UserToCreate {
  readonly name: string
  /** Kept salted, never as it is. */
  readonly password: string
}

/**
 * The HTTP address of metrics and health.
 */
export interface MetricsConfig {
  /** Interface to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. @defaultValue 0 */
  readonly port?: number
}

/**
 * Where a broker listens and keeps its data.
 */
export interface StartBrokerOptions {
  /** Port to listen on; 0 takes a free one. @defaultValue 0 */
  readonly port?: number
  /** Interface to listen on. @defaultValue '127.0.0.1' */
  readonly host?: string
  /** Host that clients are told to connect to; needed when `host` means all interfaces. @defaultValue `host` */
  readonly advertisedHost?: string
  /** Several listeners, instead of `port`, `host` and `advertisedHost`, which describe one named PLAINTEXT. */
  readonly listeners?: readonly ListenerConfig[]
  /** The data folder. When omitted, a folder under the system's temporary one that `close` removes. */
  readonly data?: string
  /** What an acknowledged write survives, see `BrokerConfig`. @defaultValue 'commit' */
  readonly flush?: BrokerConfig['flush']
  /** Any other setting of the broker. */
  readonly config?: Partial<BrokerConfig>
  /** Topics that are made at the start unless they exist. */
  readonly topics?: readonly TopicToCreate[]
  /** Users with the passwords that they have from this start on; others stay as they are. */
  readonly users?: readonly UserToCreate[]
  /** Where to serve `/metrics`, `/healthz` and `/readyz` over HTTP, to whoever can reach it. @defaultValue nowhere */
  readonly metrics?: MetricsConfig
  /** Clock, files and sockets. @defaultValue those of Node */
  readonly platform?: Platform
  /** @defaultValue silent */
  readonly logger?: Logger
}

/**
 * A broker at work. Close it, or declare it with `await using`.
 */
export interface RunningBroker {
  /** Where clients of the first listener connect to. */
  readonly address: Address
  /** The same as `host:port`, as clients want it. */
  readonly bootstrap: string
  /** All listeners, in the order of the options. */
  readonly listeners: readonly OpenListener[]
  /** Where metrics and health are served over HTTP; null when the options do not say so. */
  readonly metricsAddress: Address | null
  readonly clusterId: string
  /** The data folder. */
  readonly data: string
  /**
   * Connections for code in this process, without sockets: the `connector` of `createLogClient`.
   *
   * @example
   * ```ts
   * import { createLogClient, nodePlatform } from 'millrace'
   * import { startBroker } from 'millrace/broker'
   *
   * await using broker = await startBroker()
   * const bootstrap = [broker.address]
   * const connector = broker.connector()
   * await using client = createLogClient({ platform: nodePlatform(), bootstrap, connector })
   * await client.describeTopics() // → new Map()
   * ```
   */
  connector(): Connector
  /**
   * The numbers of the broker in the text format of Prometheus, as `/metrics` serves them, but without those of the
   * process.
   *
   * @example
   * ```ts
   * import { startBroker } from 'millrace/broker'
   *
   * await using broker = await startBroker({ topics: [{ name: 'words', partitions: 3 }] })
   * broker.metrics().includes('kafka_server_replicamanager_partitioncount 3') // → true
   * ```
   */
  metrics(): string
  /**
   * Puts changed TLS files to use for new connections. The broker looks at them every ten seconds by itself; files that
   * cannot be used are logged as an error, and the old ones stay.
   *
   * @example
   * ```ts
   * import { startBroker } from 'millrace/broker'
   *
   * await using broker = await startBroker()
   * broker.reloadTls() // → undefined
   * ```
   */
  reloadTls(): void
  /**
   * Answers who waits, closes all connections, makes everything durable and gives the folder back. Calling it again
   * waits for the same end.
   *
   * @example
   * ```ts
   * import { startBroker } from 'millrace/broker'
   *
   * const broker = await startBroker({ data: './log' })
   * await broker.close()
   * await broker.close()
   * const next = await startBroker({ data: './log' })
   * next.clusterId === broker.clusterId // → true
   * await next.close()
   * ```
   */
  close(): Promise<void>
  /**
   * As `close`, for `await using`.
   */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a broker on one data folder and listens for clients of Apache Kafka. In a test:
 * `await using broker = await startBroker()`.
 *
 * Throws INVALID_CONFIG naming the option, PORT_IN_USE, FOLDER_LOCKED while another process holds the data folder,
 * CORRUPT_DATA when what is in it cannot be trusted.
 *
 * @example
 * ```ts
 * import { Kafka } from 'kafkajs'
 * import { startBroker } from 'millrace/broker'
 *
 * await using broker = await startBroker({ data: './log', topics: [{ name: 'words' }] })
 * const admin = new Kafka({ brokers: [broker.bootstrap] }).admin()
 * await admin.connect()
 * await admin.listTopics() // → ['words']
 * await admin.disconnect()
 * await startBroker({ data: './log' }) // throws FOLDER_LOCKED
 * await startBroker({ port: 100_000 }) // throws INVALID_CONFIG
 * ```
 */
export async function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  const { platform = nodePlatform(), logger = silentLogger, ...given } = options
  return startCheckedBroker(completeBrokerOptions(given), { platform, logger })
}

/** As `startBroker`, with options that were completed before. */
export async function startCheckedBroker(
  { data, config, listeners, topics, users, metrics }: CompleteBrokerOptions,
  { platform, logger }: { readonly platform: Platform; readonly logger: Logger },
): Promise<RunningBroker> {
  const folder = data ?? temporaryFolder(platform)
  const broker = await openBroker({ platform, folder, config, logger })
  const closers: (() => Promise<void> | void)[] = [
    () => broker.close(),
    () => {
      if (data === undefined) platform.files.remove(folder)
    },
  ]
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => {
    closing ??= closeAll()
    return closing
  }

  async function closeAll(): Promise<void> {
    broker.stop()
    const failures: unknown[] = []
    for (const closer of closers) {
      try {
        await closer()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  try {
    await createTopics(broker, topics)
    for (const { name, password } of users) await broker.users.setPassword(name, password)
    if (broker.users.names().length === 0 && listeners.some(({ sasl }) => sasl.length > 0)) {
      logger.warn({ data: folder }, 'Clients must log in, and there is no user yet: add one.')
    }
    for (const { name, sasl, tls } of listeners) {
      if (tls !== undefined || !sasl.includes('PLAIN')) continue
      const message = 'Passwords of PLAIN can be read on the way to a listener without tls.'
      logger.warn({ listener: name }, message)
    }
    const server = await serve(broker, listeners)
    closers.unshift(() => server.close())
    const watched = metrics === undefined ? null : await watch(broker, folder, metrics)
    // It answers until the end, so that whoever asks learns that the broker stops.
    if (watched !== null) closers.push(() => watched.close())
    const address = server.listeners[0].advertised
    const { clusterId } = broker
    const listening = { listeners: server.listeners, data: folder, clusterId }
    logger.info(listening, 'The broker is listening.')
    return {
      address,
      bootstrap: `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
      listeners: server.listeners,
      metricsAddress: watched?.address ?? null,
      clusterId: broker.clusterId,
      data: folder,
      connector: () => broker.connector(),
      metrics: () => prometheusText(metricDefinitions, broker),
      reloadTls: () => server.reloadTls(),
      close,
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What it needs is loaded only where somebody watches. */
async function watch(broker: Broker, folder: string, address: Address): Promise<Listener> {
  const { openWatchServer } = await import('./watch-server.ts')
  return openWatchServer(broker, folder, address)
}

async function createTopics(
  broker: Broker,
  topics: readonly CompleteTopicToCreate[],
): Promise<void> {
  for (const topic of topics) await broker.topics.ensure(topic)
}

function temporaryFolder(platform: Platform): string {
  return join(tmpdir(), `millrace-broker-${platform.random.bytes(8).toString('hex')}`)
}
