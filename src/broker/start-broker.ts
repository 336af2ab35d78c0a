import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Connector } from '../client/connection.ts'
import { MillraceError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { nodePlatform } from '../platform/node-platform.ts'
import type { Address, Platform } from '../platform/platform.ts'
import { openBroker } from './broker.ts'
import type { BrokerConfig } from './config.ts'
import { type ListenerConfig, listenerConfigs } from './listener-config.ts'
import { type OpenListener, serve } from './server.ts'

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

const optionsSchema = z.strictObject({
  port: z.int().min(0).max(65535).optional(),
  host: z.string().min(1).optional(),
  advertisedHost: z.string().min(1).optional(),
  data: z.string().min(1).optional(),
  flush: z.enum(['commit', 'os']).optional(),
})

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
 * await using broker = await startBroker({ data: './log' })
 * const admin = new Kafka({ brokers: [broker.bootstrap] }).admin()
 * await admin.connect()
 * await admin.createTopics({ topics: [{ topic: 'words' }] })
 * await admin.listTopics() // → ['words']
 * await admin.disconnect()
 * await startBroker({ data: './log' }) // throws FOLDER_LOCKED
 * await startBroker({ port: 100_000 }) // throws INVALID_CONFIG
 * ```
 */
export async function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  const { config, platform = nodePlatform(), logger = silentLogger, ...rest } = options
  const { listeners: several, ...others } = rest
  const { data, flush, ...single } = check(others)
  const listeners = listenerConfigs(chooseListeners(several, single))
  const folder = data ?? temporaryFolder(platform)
  const broker = await openBroker({
    platform,
    folder,
    config: { ...config, ...(flush === undefined ? {} : { flush }) },
    logger,
  })
  const clean = (): void => {
    if (data === undefined) platform.files.remove(folder)
  }
  const server = await serve(broker, listeners).catch(async (error: unknown) => {
    await broker.close()
    clean()
    throw error
  })
  const address = server.listeners[0].advertised
  let closing: Promise<void> | null = null

  async function closeAll(): Promise<void> {
    broker.stop()
    await server.close()
    await broker.close()
    clean()
  }
  const close = (): Promise<void> => {
    closing ??= closeAll()
    return closing
  }
  logger.info({ ...address, data: folder, clusterId: broker.clusterId }, 'The broker is listening.')
  return {
    address,
    bootstrap: `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`,
    listeners: server.listeners,
    clusterId: broker.clusterId,
    data: folder,
    connector: () => broker.connector(),
    reloadTls: () => server.reloadTls(),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function check(options: object): z.infer<typeof optionsSchema> {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw new MillraceError(
    'INVALID_CONFIG',
    `The option ${issue?.path.join('.') || 'given'} of startBroker cannot be used: ${issue?.message ?? 'it is not valid'}.`,
  )
}

type SingleListener = Pick<z.infer<typeof optionsSchema>, 'host' | 'port' | 'advertisedHost'>

function chooseListeners(
  several: readonly ListenerConfig[] | undefined,
  { host, port, advertisedHost }: SingleListener,
): readonly ListenerConfig[] {
  const single = {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port }),
    ...(advertisedHost === undefined ? {} : { advertisedHost }),
  }
  if (several === undefined) return [{ name: 'PLAINTEXT', ...single }]
  const [both] = Object.keys(single)
  if (both === undefined) return several
  throw new MillraceError(
    'INVALID_CONFIG',
    `startBroker takes either listeners or ${both}: move ${both} into one of the listeners.`,
  )
}

function temporaryFolder(platform: Platform): string {
  return join(tmpdir(), `millrace-broker-${platform.random.bytes(8).toString('hex')}`)
}
