import { type BrokerConfig, brokerSettings } from '../config.ts'
import { type ConfigEntry, configSource, configType } from './topic-config-entries.ts'

/** The settings of the broker that Apache Kafka has too, under its names; they are changed by starting it again. */
export function describeBrokerConfigs(config: BrokerConfig): ConfigEntry[] {
  const values = new Map<string, unknown>(Object.entries(config))
  return brokerSettings.flatMap(({ name, kafkaName, documentation, defaultValue }) => {
    if (kafkaName === null) return []
    const value = asText(values.get(name))
    return {
      name: kafkaName,
      value,
      readOnly: true,
      configSource:
        value === asText(defaultValue) ? configSource.default : configSource.staticBroker,
      isSensitive: false,
      configType: typeOf(defaultValue),
      documentation,
      defaultName: kafkaName,
      defaultValue: asText(defaultValue),
    }
  })
}

/** As Kafka writes values: lists with commas. */
function asText(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}

function typeOf(value: unknown): number {
  if (Array.isArray(value)) return configType.list
  if (typeof value === 'boolean') return configType.boolean
  return typeof value === 'number' ? configType.long : configType.string
}
