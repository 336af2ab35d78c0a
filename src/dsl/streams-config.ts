import { MillraceError } from '../errors.ts'
import { codecIds } from '../protocol/compression.ts'
import type { CompressionCodec } from '../protocol/compression.ts'

/**
 * How instances of an application run. Given with the app, and overruled where one is started. Kafka Streams'
 * `StreamsConfig`; what tasks do with records is in `TaskConfig`.
 */
export interface StreamsConfig {
  /**
   * Longest time in milliseconds between two commits. Results are visible in output topics from the commit on, as they
   * are in Kafka Streams under exactly_once_v2, whose default this is; each commit costs a few milliseconds.
   * @defaultValue 100
   */
  readonly commitIntervalMs?: number
  /**
   * How often, in milliseconds, an application looks whether its topics are still there or have more partitions, and whether others
   * match the patterns of its sources: it then has its tasks shared out anew. Kafka's `metadata.max.age.ms`.
   * @defaultValue 300_000
   */
  readonly metadataMaxAgeMs?: number
  /**
   * How long, in milliseconds, the group misses an instance that has gone without a word before it gives its tasks to others: so
   * long its tasks wait after a crash, unless it comes back. Brokers set bounds, Apache Kafka from 6 seconds to 30 minutes
   * (`group.min.session.timeout.ms`). Kafka's `session.timeout.ms`.
   * @defaultValue 45_000
   */
  readonly sessionTimeoutMs?: number
  /**
   * How long, in milliseconds, a task may get nowhere because of failures that may pass, such as brokers that cannot be reached,
   * before they count as an error. Other tasks go on meanwhile. 0 allows for none. Kafka's `task.timeout.ms`.
   * @defaultValue 300_000
   */
  readonly taskTimeoutMs?: number
  /**
   * Number of replicas of the internal topics that are created, changelogs and repartition topics; -1 is the brokers' default. Kafka
   * Streams' `replication.factor`.
   * @defaultValue -1
   */
  readonly replicationFactor?: number
  /**
   * Settings of the internal topics that are created, under Kafka's names, such as `{ 'min.insync.replicas': '2' }`. They overrule
   * those that Millrace gives these topics, and are overruled by those given with a store. Kafka Streams' prefix `topic.`.
   * @defaultValue {}
   */
  readonly topicConfigs?: Readonly<Record<string, string>>
  /**
   * `host:port` at which this instance can be asked for the rows of its stores, by others and by the other instances, which
   * learn it through the group. Port 0 chooses one. Nobody has to say who they are, so the host must be one that only this
   * machine reaches, unless `applicationServerListen` says otherwise. Kafka's `application.server`.
   * @defaultValue none: the instance cannot be asked
   */
  readonly applicationServer?: string
  /**
   * `host:port` to listen on where that is not what others are to call, such as `0.0.0.0:8080`: whoever reaches it can read the
   * stores.
   * @defaultValue that of `applicationServer`
   */
  readonly applicationServerListen?: string
  /**
   * On how many other instances the state of each task is kept ready, so that one of them can go on with the task at once when
   * its instance fails. Kafka's `num.standby.replicas`.
   * @defaultValue 0
   */
  readonly numStandbyReplicas?: number
  /**
   * How many members of the group at most make the state ready of a task, or of a standby, that is to move to them, beside the
   * standbys. Kafka's `max.warmup.replicas`.
   * @defaultValue 2
   */
  readonly maxWarmupReplicas?: number
  /**
   * How many records of its changelogs the state of a task may lack where the task is to move. Kafka's
   * `acceptable.recovery.lag`.
   * @defaultValue 10_000
   */
  readonly acceptableRecoveryLag?: number
  /**
   * How long, in milliseconds, until the group looks again whether state is ready where tasks are to move. Kafka's
   * `probing.rebalance.interval.ms`.
   * @defaultValue 600_000
   */
  readonly probingRebalanceIntervalMs?: number
  /**
   * How long, in milliseconds, the state of a task that has moved away stays on disk: if it comes back by then, only the
   * difference is restored. Kafka's `state.cleanup.delay.ms`.
   * @defaultValue 600_000
   */
  readonly stateCleanupDelayMs?: number
  /**
   * Decides what becomes of an instance after an error that no other handler has dealt with. Kafka Streams'
   * `setUncaughtExceptionHandler`.
   * @defaultValue () => 'stop'
   */
  readonly uncaughtExceptionHandler?: UncaughtExceptionHandler
  /**
   * What holds of results after a crash. With `exactlyOnce` (Kafka's exactly_once_v2) the outputs of a commit, the changes of its
   * stores and the offsets of its input are one transaction: readers of output topics that read committed records only see
   * each result once. With `atLeastOnce` they are written one after the other, which costs less; after a crash results may come
   * twice. Kafka's `processing.guarantee`.
   * @defaultValue 'exactlyOnce'
   */
  readonly processingGuarantee?: ProcessingGuarantee
  /**
   * After how long, in milliseconds, the log takes back a transaction that an instance has not ended: as long as that, others may
   * have to wait for one that was killed. A commit must not take longer. Kafka's `transaction.timeout.ms`.
   * @defaultValue 10_000
   */
  readonly transactionTimeoutMs?: number
  /**
   * How the records that an instance writes are compressed: `none`, `gzip`, `snappy`, `lz4` or `zstd`. Changelogs and repartition
   * topics are, too. What is written and read back gets smaller, for work of the instance and of its readers. Kafka's
   * `compression.type` of producers.
   * @defaultValue 'none'
   */
  readonly compressionType?: CompressionCodec
}

export type ProcessingGuarantee = 'exactlyOnce' | 'atLeastOnce'

/**
 * What becomes of an instance after an error. `replace`: what was not committed is forgotten, and the instance goes on from
 * its last commit with a new producer, consumer and membership; repeated errors do so after longer and longer pauses, up to 10
 * seconds. `stop`: the instance ends in the state ERROR, and others take over its tasks. `stopAll`: all instances of the application
 * do, the others with the error SHUTDOWN_REQUESTED. Kafka Streams' REPLACE_THREAD, SHUTDOWN_CLIENT and SHUTDOWN_APPLICATION.
 */
export type UncaughtExceptionResponse = 'replace' | 'stop' | 'stopAll'

/**
 * Is told the error that would stop an instance.
 */
export type UncaughtExceptionHandler = (error: unknown) => UncaughtExceptionResponse

/** A `StreamsConfig` with every default resolved. */
export type ResolvedStreamsConfig = Required<Omit<StreamsConfig, ServerOption>> &
  Pick<StreamsConfig, ServerOption>

type ServerOption = 'applicationServer' | 'applicationServerListen'

/** What was given with the app, overruled by what was given later. Throws INVALID_CONFIG for what cannot work. */
export function resolveStreamsConfig(
  app: StreamsConfig,
  overruling: StreamsConfig = {},
): ResolvedStreamsConfig {
  const of = <Name extends keyof StreamsConfig>(name: Name): StreamsConfig[Name] =>
    overruling[name] ?? app[name]
  const config: ResolvedStreamsConfig = {
    commitIntervalMs: of('commitIntervalMs') ?? 100,
    metadataMaxAgeMs: of('metadataMaxAgeMs') ?? 300_000,
    sessionTimeoutMs: of('sessionTimeoutMs') ?? 45_000,
    taskTimeoutMs: of('taskTimeoutMs') ?? 300_000,
    replicationFactor: of('replicationFactor') ?? -1,
    topicConfigs: of('topicConfigs') ?? {},
    ...(of('applicationServer') !== undefined && { applicationServer: of('applicationServer') }),
    ...(of('applicationServerListen') !== undefined && {
      applicationServerListen: of('applicationServerListen'),
    }),
    numStandbyReplicas: of('numStandbyReplicas') ?? 0,
    maxWarmupReplicas: of('maxWarmupReplicas') ?? 2,
    acceptableRecoveryLag: of('acceptableRecoveryLag') ?? 10_000,
    probingRebalanceIntervalMs: of('probingRebalanceIntervalMs') ?? 600_000,
    stateCleanupDelayMs: of('stateCleanupDelayMs') ?? 600_000,
    uncaughtExceptionHandler: of('uncaughtExceptionHandler') ?? (() => 'stop'),
    processingGuarantee: of('processingGuarantee') ?? 'exactlyOnce',
    transactionTimeoutMs: of('transactionTimeoutMs') ?? 10_000,
    compressionType: of('compressionType') ?? 'none',
  }
  requireGuarantee(config.processingGuarantee)
  requireTransactionTimeout(config.transactionTimeoutMs)
  requireCodec(config.compressionType)
  requireMilliseconds('commitIntervalMs', config.commitIntervalMs)
  requireMilliseconds('metadataMaxAgeMs', config.metadataMaxAgeMs)
  requireMilliseconds('taskTimeoutMs', config.taskTimeoutMs)
  requireTopicSettings(config)
  requireMilliseconds('probingRebalanceIntervalMs', config.probingRebalanceIntervalMs)
  requireMilliseconds('stateCleanupDelayMs', config.stateCleanupDelayMs)
  requireCount('sessionTimeoutMs', config.sessionTimeoutMs, 1)
  requireCount('numStandbyReplicas', config.numStandbyReplicas, 0)
  requireCount('maxWarmupReplicas', config.maxWarmupReplicas, 1)
  requireCount('acceptableRecoveryLag', config.acceptableRecoveryLag, 0)
  return config
}

function requireTopicSettings({ replicationFactor, topicConfigs }: ResolvedStreamsConfig): void {
  if (
    replicationFactor !== -1 &&
    !(Number.isSafeInteger(replicationFactor) && replicationFactor > 0)
  ) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `replicationFactor is ${replicationFactor}. Give a whole number of at least 1, or -1 for the brokers' default.`,
    )
  }
  if (topicConfigs['cleanup.policy'] === undefined) return
  throw new MillraceError(
    'INVALID_CONFIG',
    'topicConfigs cannot set cleanup.policy: changelogs are compacted, and repartition topics must not be. Leave it out.',
  )
}

/** Not every caller was compiled. */
function requireGuarantee(guarantee: string): void {
  if (guarantee === 'exactlyOnce' || guarantee === 'atLeastOnce') return
  throw new MillraceError(
    'INVALID_CONFIG',
    `processingGuarantee is ${JSON.stringify(guarantee)}. Give exactlyOnce or atLeastOnce.`,
  )
}

function requireCodec(name: string): void {
  if (Object.hasOwn(codecIds, name)) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `compressionType is ${JSON.stringify(name)}. Give none, gzip, snappy, lz4 or zstd.`,
  )
}

/** The log takes a 32-bit integer. */
function requireTransactionTimeout(value: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value < 2 ** 31) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `transactionTimeoutMs is ${value}. Give a whole number of milliseconds that is at least 1.`,
  )
}

function requireMilliseconds(name: string, value: number): void {
  if (value >= 0 && Number.isFinite(value)) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `${name} is ${value}. Give a number of milliseconds that is not negative.`,
  )
}

function requireCount(name: string, value: number, least: number): void {
  if (value >= least && Number.isSafeInteger(value)) return
  throw new MillraceError(
    'INVALID_CONFIG',
    `${name} is ${value}. Give a whole number of at least ${least}.`,
  )
}
