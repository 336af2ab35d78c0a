/** The settings of the broker: each is told of, has a default that it takes itself, and is described to clients. */
import { describe, expect, test } from 'vitest'
import { describeBrokerConfigs } from '../../src/broker/api/broker-config-entries.ts'
import { brokerConfig, brokerSettings } from '../../src/broker/config.ts'
import { MillraceError } from '../../src/errors.ts'

describe('every setting', () => {
  test.each(brokerSettings)('$name is told of in sentences', ({ documentation }) => {
    expect(documentation).toMatch(/^[A-Z`].*\.$/)
  })

  test.each(brokerSettings)('$name has the default that it says', setting => {
    expect(Object.entries(brokerConfig())).toContainEqual([setting.name, setting.defaultValue])
  })

  test('has a name of its own in Kafka', () => {
    const names = brokerSettings.flatMap(({ kafkaName }) => kafkaName ?? [])
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('settings that cannot be used', () => {
  test('are refused with a sentence that names the setting', () => {
    expect(() => brokerConfig({ numPartitions: 0 })).toThrow(MillraceError)
    expect(() => brokerConfig({ numPartitions: 0 })).toThrow(
      /^The broker setting numPartitions cannot be used: .*Correct it and start again\.$/,
    )
  })
})

describe('clients', () => {
  const entries = new Map(
    describeBrokerConfigs(brokerConfig({ numPartitions: 7, autoCreateTopics: true })).map(entry => [
      entry.name,
      entry,
    ]),
  )

  test('are told what was given and what it would be otherwise', () => {
    expect(entries.get('num.partitions')).toMatchObject({
      value: '7',
      defaultValue: '1',
      configSource: 4,
      configType: 5,
      documentation: 'Partitions of a topic whose creator did not say how many.',
    })
  })

  test('see a value that equals the default as the default', () => {
    expect(entries.get('auto.create.topics.enable')).toMatchObject({
      value: 'true',
      configSource: 5,
      configType: 1,
    })
  })

  test('are not told of settings that Kafka does not know', () => {
    expect([...entries.keys()].filter(name => !name.includes('.'))).toEqual([])
  })
})
