/**
 * The settings of a broker, one entry each: whoever adds one adds it to the schema, and it is checked, typed, described to
 * clients, and taken from configuration files and the environment. `docs/broker.md` lists all of them; a test compares.
 */
import assert from 'node:assert/strict'
import { z } from 'zod'
import { checkSettings, SettingRefused } from './setting-refused.ts'

/** What is told of a setting. Its unit is the end of its name, as in Kafka: `…Ms`, `…Bytes`, `…Minutes`. */
interface About {
  /** The name that Apache Kafka gives it; null when Kafka has no such setting. */
  readonly kafkaName: string | null
  /** What it does, in sentences, for users and clients. */
  readonly documentation: string
}

/** A setting of the broker, for who goes through all of them. */
export interface BrokerSetting extends About {
  readonly name: string
  readonly schema: z.ZodType
  readonly defaultValue: unknown
}

const about = z.registry<About>()

export const flushModes = ['commit', 'interval', 'os'] as const

const MIB = 1024 * 1024
const wholeNumber = (min: number, max = 2147483647): z.ZodNumber => z.int().min(min).max(max)
const count = (defaultValue: number): z.ZodDefault<z.ZodNumber> =>
  wholeNumber(1).default(defaultValue)

export const brokerConfigSchema = z.strictObject({
  nodeId: wholeNumber(0).default(1).register(about, {
    kafkaName: 'broker.id',
    documentation: 'Id of this broker in the cluster; fixed by the first start on a data folder.',
  }),
  flush: z.enum(flushModes).default('commit').register(about, {
    kafkaName: null,
    documentation:
      'What an acknowledged write survives. `commit`: power loss; one `fdatasync` acknowledges all producers that wait. `os`: only the end of the process, as in Apache Kafka; the operating system writes when it likes, so a power loss takes the last seconds. `interval`: as `os`, but flushed every `flushIntervalMs` and `flushIntervalMessages`, so it takes no more than was written since.',
  }),
  flushIntervalMs: count(1000).register(about, {
    kafkaName: 'log.flush.interval.ms',
    documentation: 'With `flush: interval`: time after which what was written is flushed.',
  }),
  flushIntervalMessages: count(10_000).register(about, {
    kafkaName: 'log.flush.interval.messages',
    documentation:
      'With `flush: interval`: records of one partition after which they are flushed without waiting for the time.',
  }),
  autoCreateTopics: z.boolean().default(true).register(about, {
    kafkaName: 'auto.create.topics.enable',
    documentation: 'Create a topic when a client asks for one that does not exist.',
  }),
  numPartitions: count(1).register(about, {
    kafkaName: 'num.partitions',
    documentation: 'Partitions of a topic whose creator did not say how many.',
  }),
  maxPartitionsPerTopic: count(1000).register(about, {
    kafkaName: null,
    documentation: 'Most partitions that one topic may have.',
  }),
  maxPartitions: count(4000).register(about, {
    kafkaName: null,
    documentation: 'Most partitions in the broker; each holds open files.',
  }),
  logRetentionCheckIntervalMs: count(300_000).register(about, {
    kafkaName: 'log.retention.check.interval.ms',
    documentation:
      'How often partitions look for records that are too old or too many. How old a record is its timestamp says, as in Kafka: event time of years ago is deleted at the next look unless its topic has a larger `retention.ms` than the default of 7 days, or -1. Compacted topics, `__consumer_offsets` among them, lose what was overwritten instead.',
  }),
  offsetsTopicNumPartitions: count(8).register(about, {
    kafkaName: 'offsets.topic.num.partitions',
    documentation: 'Partitions of `__consumer_offsets`; fixed when the topic is first needed.',
  }),
  offsetsTopicSegmentBytes: count(16 * MIB).register(about, {
    kafkaName: 'offsets.topic.segment.bytes',
    documentation: '`segment.bytes` of `__consumer_offsets`.',
  }),
  offsetMetadataMaxBytes: count(4096).register(about, {
    kafkaName: 'offset.metadata.max.bytes',
    documentation: 'Longest metadata text of one committed offset.',
  }),
  offsetsRetentionMinutes: count(10_080).register(about, {
    kafkaName: 'offsets.retention.minutes',
    documentation:
      'How long offsets are kept after their group became empty, after their commit where there are no members, and after the last subscription to their topic.',
  }),
  offsetsRetentionCheckIntervalMs: count(600_000).register(about, {
    kafkaName: 'offsets.retention.check.interval.ms',
    documentation: 'How often groups are looked through for offsets that are too old.',
  }),
  groupInitialRebalanceDelayMs: wholeNumber(0, 3_600_000).default(0).register(about, {
    kafkaName: 'group.initial.rebalance.delay.ms',
    documentation:
      'How long the first members of an empty group wait for more of them. Kafka waits 3000.',
  }),
  groupMinSessionTimeoutMs: count(100).register(about, {
    kafkaName: 'group.min.session.timeout.ms',
    documentation: 'Shortest session timeout a member may ask for.',
  }),
  groupMaxSessionTimeoutMs: count(1_800_000).register(about, {
    kafkaName: 'group.max.session.timeout.ms',
    documentation: 'Longest session timeout a member may ask for.',
  }),
  groupMaxSize: count(1000).register(about, {
    kafkaName: 'group.max.size',
    documentation: 'Most members of one group.',
  }),
  maxGroups: count(100_000).register(about, {
    kafkaName: null,
    documentation: 'Most groups that are remembered at once.',
  }),
  transactionStateLogNumPartitions: count(8).register(about, {
    kafkaName: 'transaction.state.log.num.partitions',
    documentation:
      'Partitions of `__transaction_state`; fixed when the topic is first needed. Kafka has 50.',
  }),
  transactionStateLogSegmentBytes: count(16 * MIB).register(about, {
    kafkaName: 'transaction.state.log.segment.bytes',
    documentation: '`segment.bytes` of `__transaction_state`.',
  }),
  transactionMaxTimeoutMs: count(900_000).register(about, {
    kafkaName: 'transaction.max.timeout.ms',
    documentation: 'Longest timeout a transactional producer may ask for.',
  }),
  transactionalIdExpirationMs: count(604_800_000).register(about, {
    kafkaName: 'transactional.id.expiration.ms',
    documentation: 'How long a transactional id is remembered that nobody uses.',
  }),
  maxTransactionalIds: count(100_000).register(about, {
    kafkaName: null,
    documentation: 'Most transactional ids that are remembered at once.',
  }),
  fetchMaxBytes: count(55 * MIB).register(about, {
    kafkaName: 'fetch.max.bytes',
    documentation: 'Most bytes that one Fetch response carries, whatever the client asks for.',
  }),
  maxRequestBytes: count(100 * MIB).register(about, {
    kafkaName: 'socket.request.max.bytes',
    documentation: 'Largest request frame; a longer one closes the connection before it is read.',
  }),
  maxConnections: count(10_000).register(about, {
    kafkaName: 'max.connections',
    documentation: 'Most open connections; one more is closed at once.',
  }),
  maxConnectionsPerIp: count(1000).register(about, {
    kafkaName: 'max.connections.per.ip',
    documentation: 'Most open connections from one address; one more is closed at once.',
  }),
  connectionsMaxIdleMs: count(600_000).register(about, {
    kafkaName: 'connections.max.idle.ms',
    documentation:
      'A connection is closed when for so long nothing came from it and nothing was taken by it.',
  }),
  requestReceiveTimeoutMs: count(30_000).register(about, {
    kafkaName: null,
    documentation:
      'How long a request may take to arrive once its first byte is there; then its connection is closed.',
  }),
  queuedMaxRequestBytes: wholeNumber(MIB, 2 ** 40)
    .default(128 * MIB)
    .register(about, {
      kafkaName: 'queued.max.request.bytes',
      documentation:
        'Bytes of requests that may wait, unfinished or unanswered, on all connections; beyond half of it, connections that hold more than their share are not read from. One frame of `maxRequestBytes` may come on top.',
    }),
  queuedMaxResponseBytes: wholeNumber(MIB, 2 ** 40)
    .default(128 * MIB)
    .register(about, {
      kafkaName: null,
      documentation:
        'Bytes of responses that may wait for their clients on all connections. As they pile up, fetches get fewer records; beyond it, the connection is closed whose client has taken nothing for the longest time.',
    }),
  authorizer: z.boolean().default(false).register(about, {
    kafkaName: null,
    documentation:
      'Whether access rules (ACLs) are in force: then clients may do only what a rule allows. `authorizer.class.name` of Kafka.',
  }),
  superUsers: z
    .array(z.string().regex(/^User:./, 'name super users as in User:admin'))
    .readonly()
    .default([])
    .register(about, {
      kafkaName: 'super.users',
      documentation:
        'Principals that may do everything, whatever the rules say, as in `User:admin`.',
    }),
  allowEveryoneIfNoAclFound: z.boolean().default(false).register(about, {
    kafkaName: 'allow.everyone.if.no.acl.found',
    documentation: 'Whether everybody may do everything to a resource that no rule speaks of.',
  }),
  maxAcls: count(10_000).register(about, {
    kafkaName: null,
    documentation: 'Most access rules.',
  }),
  maxUsers: count(10_000).register(about, {
    kafkaName: null,
    documentation: 'Most users that can log in by SASL.',
  }),
  connectionsMaxReauthMs: wholeNumber(0).default(0).register(about, {
    kafkaName: 'connections.max.reauth.ms',
    documentation:
      'How long a client that logged in by SASL is believed; it must log in again on its connection before (KIP-368), or the connection is closed. 0 is for ever.',
  }),
  connectionFailedAuthenticationDelayMs: wholeNumber(0, 60_000).default(100).register(about, {
    kafkaName: 'connection.failed.authentication.delay.ms',
    documentation:
      'How long the answer to a failed login is held back, after which its connection is closed.',
  }),
  authenticationTimeoutMs: count(30_000).register(about, {
    kafkaName: null,
    documentation: 'How long a client may take to log in; then its connection is closed.',
  }),
  saslServerMaxReceiveBytes: count(512 * 1024).register(about, {
    kafkaName: 'sasl.server.max.receive.size',
    documentation: 'Largest request frame of a client that has not logged in yet.',
  }),
})

/**
 * Settings of a broker, complete: every default is resolved once, by `brokerConfig`. The names are Apache Kafka's in
 * camelCase where Kafka has the setting; `docs/broker.md` says what each does.
 */
export type BrokerConfig = Readonly<z.infer<typeof brokerConfigSchema>>

/** All settings, in the order of the table. */
export const brokerSettings: readonly BrokerSetting[] = Object.entries(
  brokerConfigSchema.shape,
).map(([name, setting]) => {
  const told = about.get(setting)
  assert(told !== undefined, `nothing is told of the setting ${name}`)
  return { ...told, name, schema: setting, defaultValue: setting.parse(undefined) }
})

/** Checks settings and fills in defaults. Throws SettingRefused with a sentence that names the setting. */
export function brokerConfig(settings: Partial<BrokerConfig> = {}): BrokerConfig {
  const config = checkSettings(brokerConfigSchema, settings, 'The broker setting')
  const { groupMinSessionTimeoutMs: shortest, groupMaxSessionTimeoutMs: longest } = config
  if (shortest > longest) {
    throw new SettingRefused(
      ['groupMinSessionTimeoutMs'],
      `The broker setting groupMinSessionTimeoutMs (${shortest}) is more than groupMaxSessionTimeoutMs (${longest}): no member could join.`,
    )
  }
  const { numPartitions, maxPartitionsPerTopic } = config
  if (numPartitions > maxPartitionsPerTopic) {
    throw new SettingRefused(
      ['numPartitions'],
      `The broker setting numPartitions (${numPartitions}) is more than maxPartitionsPerTopic (${maxPartitionsPerTopic}): no topic could be made without saying how many.`,
    )
  }
  for (const name of ['flushIntervalMs', 'flushIntervalMessages'] as const) {
    const isGiven = config[name] !== brokerConfigSchema.shape[name].parse(undefined)
    if (!isGiven || config.flush === 'interval') continue
    throw new SettingRefused(
      [name],
      `The broker setting ${name} does nothing with flush: ${config.flush}. Set flush: interval, or leave it out.`,
    )
  }
  return config
}
