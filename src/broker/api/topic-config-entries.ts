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
    defaultValue,
  }))
}
