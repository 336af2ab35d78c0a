import { type BrokerConfig, brokerConfig } from '../config.ts'
import { type ConfigEntry, configSource, configType } from './topic-config-entries.ts'

/** Settings of the broker that Apache Kafka has too, under its names. */
const kafkaNames = {
  autoCreateTopics: 'auto.create.topics.enable',
  numPartitions: 'num.partitions',
  logRetentionCheckIntervalMs: 'log.retention.check.interval.ms',
  offsetsTopicNumPartitions: 'offsets.topic.num.partitions',
  offsetsTopicSegmentBytes: 'offsets.topic.segment.bytes',
  offsetMetadataMaxBytes: 'offset.metadata.max.bytes',
  offsetsRetentionMinutes: 'offsets.retention.minutes',
  offsetsRetentionCheckIntervalMs: 'offsets.retention.check.interval.ms',
  groupInitialRebalanceDelayMs: 'group.initial.rebalance.delay.ms',
  groupMinSessionTimeoutMs: 'group.min.session.timeout.ms',
  groupMaxSessionTimeoutMs: 'group.max.session.timeout.ms',
  groupMaxSize: 'group.max.size',
  transactionStateLogNumPartitions: 'transaction.state.log.num.partitions',
  transactionStateLogSegmentBytes: 'transaction.state.log.segment.bytes',
  transactionMaxTimeoutMs: 'transaction.max.timeout.ms',
  transactionalIdExpirationMs: 'transactional.id.expiration.ms',
  fetchMaxBytes: 'fetch.max.bytes',
  maxRequestBytes: 'socket.request.max.bytes',
  maxConnections: 'max.connections',
} as const satisfies Partial<Record<keyof BrokerConfig, string>>

/** What the broker was started with; it is changed by starting it again. */
export function describeBrokerConfigs(config: BrokerConfig): ConfigEntry[] {
  const defaults = brokerConfig()
  const settings: { name: string; value: boolean | number; defaultValue: boolean | number }[] = [
    { name: 'broker.id', value: config.nodeId, defaultValue: defaults.nodeId },
  ]
  for (const key of settingNames) {
    settings.push({ name: kafkaNames[key], value: config[key], defaultValue: defaults[key] })
  }
  return settings.map(({ name, value, defaultValue }) => ({
    name,
    value: String(value),
    readOnly: true,
    configSource: value === defaultValue ? configSource.default : configSource.staticBroker,
    isSensitive: false,
    configType: typeof value === 'boolean' ? configType.boolean : configType.long,
    documentation: 'Given when the broker is started.',
    defaultValue: String(defaultValue),
  }))
}

const isSettingName = (key: string): key is keyof typeof kafkaNames => key in kafkaNames
const settingNames = Object.keys(kafkaNames).filter(isSettingName)
