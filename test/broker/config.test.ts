/** The settings of the broker: each is told of, has a default that it takes itself, and is described to clients. */
import { describe, expect, test } from 'vitest'
import { describeBrokerConfigs } from '../../src/broker/api/broker-config-entries.ts'
import { completeBrokerOptions } from '../../src/broker/broker-options.ts'
import { brokerConfig, brokerSettings } from '../../src/broker/config.ts'
import { SettingRefused } from '../../src/broker/setting-refused.ts'

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

describe('settings that cannot be used are refused with a sentence that names them', () => {
  test.each<[unknown, RegExp]>([
    [{ config: { numPartitions: 0 } }, /^The broker setting numPartitions cannot be used: /],
    [{ prot: 1 }, /^The broker setting prot is not known\. Did you mean port\?$/],
    [{ config: { numPartition: 1 } }, /numPartition is not known\. Did you mean numPart/],
    [
      { listeners: [{ name: 'A', hots: 'x' }] },
      /listeners\[0\]\.hots is not .* Did you mean host\?/,
    ],
    [{ wombat: 1 }, /^The broker setting wombat is not known\.$/],
    [{ port: '9092' }, /^The broker setting port cannot be used: .*expected number/],
    [{ port: 1, listeners: [{ name: 'A' }] }, /either listeners or port: move port into/],
    [{ host: '0.0.0.0' }, /needs advertisedHost/],
    [{ config: { superUsers: ['User:a'] } }, /superUsers does nothing without authorizer/],
    [{ config: { authorizer: true } }, /no listener can tell: give one sasl, or tls with client/],
    [{ topics: [{ name: 'a/b' }] }, /^The topic name "a\/b" /],
    [{ topics: [{ name: 'a', configs: { 'cleanup.policy': 'burn' } }] }, /cleanup\.policy/],
    [{ topics: [{ name: 'a', partitions: 1001 }] }, /more than maxPartitionsPerTopic allows/],
    [
      { config: { groupMinSessionTimeoutMs: 10, groupMaxSessionTimeoutMs: 5 } },
      /no member could join/,
    ],
    [
      { config: { numPartitions: 9, maxPartitionsPerTopic: 8 } },
      /^The broker setting numPartitions \(9\) is more than maxPartitionsPerTopic \(8\)/,
    ],
  ])('%j', (options, sentence) => {
    expect(() => completeBrokerOptions(options)).toThrow(SettingRefused)
    expect(() => completeBrokerOptions(options)).toThrow(sentence)
  })

  test.each([
    { config: { authorizer: true }, listeners: [{ name: 'A', sasl: ['PLAIN'] }] },
    { config: { authorizer: true, superUsers: ['User:ANONYMOUS'] } },
    { config: { authorizer: true, allowEveryoneIfNoAclFound: true } },
  ])('but not %j', options => {
    expect(completeBrokerOptions(options).config.authorizer).toBe(true)
  })

  test('and the error leads to them', () => {
    const options = {
      listeners: [
        { name: 'A', port: 1 },
        { name: 'A', port: 2 },
      ],
    }
    expect(() => completeBrokerOptions(options)).toThrow(
      expect.objectContaining({ path: ['listeners', 1, 'name'], code: 'INVALID_CONFIG' }),
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
