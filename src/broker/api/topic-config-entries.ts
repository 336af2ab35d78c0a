import { topicConfigDefinitions } from '../topic-config-definitions.ts'
import type { TopicConfigs } from '../topic-configs.ts'

/** Where a setting's value comes from, by Kafka's number (`DescribeConfigsResponse.ConfigSource`). */
export const configSource = { topic: 1, staticBroker: 4, default: 5 } as const

/** Kafka's number of a setting's type (`DescribeConfigsResponse.ConfigType`). */
export const configType = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

export interface ConfigEntry {
  readonly name: string
  readonly value: string
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly configType: number
  readonly documentation: string
  /** Under which name the broker has the default; null when it has none. */
  readonly defaultName: string | null
  readonly defaultValue: string
}

/** All settings of a topic with the values in force. */
export function describeTopicConfigs(configs: TopicConfigs): ConfigEntry[] {
  return topicConfigDefinitions.map(({ name, type, defaultValue, documentation }) => ({
    name,
    value: configs.get(name) ?? defaultValue,
    readOnly: false,
    configSource: configs.has(name) ? configSource.topic : configSource.default,
    isSensitive: false,
    configType: configType[type],
    documentation,
    defaultName: brokerName(name),
    defaultValue,
  }))
}

/** The broker's name for the default of a topic's setting (Kafka: ServerTopicConfigSynonyms). */
function brokerName(topicName: string): string | null {
  const named = brokerNames.get(topicName)
  return named === undefined ? `log.${topicName}` : named
}

/** Where it is not that of the topic behind `log.`. */
const brokerNames: ReadonlyMap<string, string | null> = new Map([
  ['compression.gzip.level', 'compression.gzip.level'],
  ['compression.lz4.level', 'compression.lz4.level'],
  ['compression.type', 'compression.type'],
  ['compression.zstd.level', 'compression.zstd.level'],
  ['delete.retention.ms', 'log.cleaner.delete.retention.ms'],
  ['file.delete.delay.ms', 'log.segment.delete.delay.ms'],
  ['flush.messages', 'log.flush.interval.messages'],
  ['flush.ms', 'log.flush.interval.ms'],
  ['follower.replication.throttled.replicas', null],
  ['leader.replication.throttled.replicas', null],
  ['max.compaction.lag.ms', 'log.cleaner.max.compaction.lag.ms'],
  ['max.message.bytes', 'message.max.bytes'],
  ['min.cleanable.dirty.ratio', 'log.cleaner.min.cleanable.ratio'],
  ['min.compaction.lag.ms', 'log.cleaner.min.compaction.lag.ms'],
  ['min.insync.replicas', 'min.insync.replicas'],
  ['remote.storage.enable', null],
  ['segment.index.bytes', 'log.index.size.max.bytes'],
  ['segment.jitter.ms', 'log.roll.jitter.ms'],
  ['segment.ms', 'log.roll.ms'],
  ['unclean.leader.election.enable', 'unclean.leader.election.enable'],
])
