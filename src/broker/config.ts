import { z } from 'zod'
import { MillraceError } from '../errors.ts'

/**
 * Settings of a broker, complete: every default is resolved once, by `brokerConfig`. The names are Apache Kafka's in
 * camelCase where Kafka has the setting.
 */
export interface BrokerConfig {
  /** Id of this broker in the cluster. @defaultValue 1 */
  readonly nodeId: number
  /**
   * What an acknowledged write survives. `commit`: power loss; one `fdatasync` acknowledges all producers that wait.
   * `os`: only the end of the process, as in Apache Kafka; the operating system writes when it likes, so a power loss
   * takes the last seconds. @defaultValue 'commit'
   */
  readonly flush: 'commit' | 'os'
  /** Create a topic when a client asks for one that does not exist. @defaultValue true */
  readonly autoCreateTopics: boolean
  /** Partitions of a topic whose creator did not say how many. @defaultValue 1 */
  readonly numPartitions: number
  /** Upper bound of partitions that one topic may have. @defaultValue 1000 */
  readonly maxPartitionsPerTopic: number
  /** Upper bound of partitions in the broker; each holds open files. @defaultValue 4000 */
  readonly maxPartitions: number
  /**
   * How often partitions look for records that are too old or too many. How old a record is its timestamp says, as in
   * Kafka: event time of years ago is deleted at the next look unless its topic has a larger `retention.ms` than the
   * default of 7 days, or -1. Compacted topics, `__consumer_offsets` among them, lose what was overwritten instead.
   * @defaultValue 300000
   */
  readonly logRetentionCheckIntervalMs: number
  /** Partitions of `__consumer_offsets`; fixed when the topic is first needed. @defaultValue 8 */
  readonly offsetsTopicNumPartitions: number
  /** `segment.bytes` of `__consumer_offsets`. @defaultValue 16 MiB */
  readonly offsetsTopicSegmentBytes: number
  /** Longest metadata text of one committed offset. @defaultValue 4096 */
  readonly offsetMetadataMaxBytes: number
  /**
   * How long offsets are kept after their group became empty, after their commit where there are no members, and after the
   * last subscription to their topic. @defaultValue 10080 (7 days)
   */
  readonly offsetsRetentionMinutes: number
  /** How often groups are looked through for offsets that are too old. @defaultValue 600000 */
  readonly offsetsRetentionCheckIntervalMs: number
  /** How long the first members of an empty group wait for more of them. Kafka waits 3000. @defaultValue 0 */
  readonly groupInitialRebalanceDelayMs: number
  /** Shortest session timeout a member may ask for. @defaultValue 100 */
  readonly groupMinSessionTimeoutMs: number
  /** Longest session timeout a member may ask for. @defaultValue 1800000 */
  readonly groupMaxSessionTimeoutMs: number
  /** Most members of one group. @defaultValue 1000 */
  readonly groupMaxSize: number
  /** Most groups that are remembered at once. @defaultValue 100000 */
  readonly maxGroups: number
  /** Partitions of `__transaction_state`; fixed when the topic is first needed. Kafka has 50. @defaultValue 8 */
  readonly transactionStateLogNumPartitions: number
  /** `segment.bytes` of `__transaction_state`. @defaultValue 16 MiB */
  readonly transactionStateLogSegmentBytes: number
  /** Longest timeout a transactional producer may ask for. @defaultValue 900000 */
  readonly transactionMaxTimeoutMs: number
  /** How long a transactional id is remembered that nobody uses. @defaultValue 604800000 */
  readonly transactionalIdExpirationMs: number
  /** Most transactional ids that are remembered at once. @defaultValue 100000 */
  readonly maxTransactionalIds: number
  /** Most bytes that one Fetch response carries, whatever the client asks for. @defaultValue 55 MiB */
  readonly fetchMaxBytes: number
  /** Largest request frame; a longer one closes the connection before it is read. @defaultValue 100 MiB */
  readonly maxRequestBytes: number
  /** Most open connections; one more is closed at once. @defaultValue 10000 */
  readonly maxConnections: number
}

const MIB = 1024 * 1024
const count = (): z.ZodNumber => z.int().min(1).max(2147483647)

const schema = z.strictObject({
  nodeId: z.int().min(0).max(2147483647).default(1),
  flush: z.enum(['commit', 'os']).default('commit'),
  autoCreateTopics: z.boolean().default(true),
  numPartitions: count().default(1),
  maxPartitionsPerTopic: count().default(1000),
  maxPartitions: count().default(4000),
  logRetentionCheckIntervalMs: count().default(300000),
  offsetsTopicNumPartitions: count().default(8),
  offsetsTopicSegmentBytes: count().default(16 * MIB),
  offsetMetadataMaxBytes: count().default(4096),
  offsetsRetentionMinutes: count().default(10080),
  offsetsRetentionCheckIntervalMs: count().default(600000),
  groupInitialRebalanceDelayMs: z.int().min(0).max(3600000).default(0),
  groupMinSessionTimeoutMs: count().default(100),
  groupMaxSessionTimeoutMs: count().default(1800000),
  groupMaxSize: count().default(1000),
  maxGroups: count().default(100000),
  transactionStateLogNumPartitions: count().default(8),
  transactionStateLogSegmentBytes: count().default(16 * MIB),
  transactionMaxTimeoutMs: count().default(900000),
  transactionalIdExpirationMs: count().default(604800000),
  maxTransactionalIds: count().default(100000),
  fetchMaxBytes: count().default(55 * MIB),
  maxRequestBytes: count().default(100 * MIB),
  maxConnections: count().default(10000),
})

/** Checks settings and fills in defaults. Throws INVALID_CONFIG with a sentence that names the setting. */
export function brokerConfig(settings: Partial<BrokerConfig> = {}): BrokerConfig {
  const parsed = schema.safeParse(settings)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') || 'settings'
  throw new MillraceError(
    'INVALID_CONFIG',
    `The broker setting ${where} cannot be used: ${issue?.message ?? 'it is not valid'}. Correct it and start again.`,
  )
}
