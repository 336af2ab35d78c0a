import { describe, expect, test } from 'vitest'
import type { LogClient } from '../../src/client/log-client.ts'
import { defineApp } from '../../src/dsl/define-app.ts'
import { resolveStreamsConfig } from '../../src/dsl/streams-config.ts'
import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { prepareTopics } from '../../src/runtime/internal-topics.ts'
import { string } from '../../src/serde/string.ts'
import { FakeLog } from './fake-log-client.ts'

const { timers } = nodePlatform()
const text = { key: string(), value: string() }
const topology = defineApp('app', builder => {
  builder
    .stream('in', text)
    .groupBy((_, value) => value, text)
    .count({ store: 'counts' })
    .toStream()
    .to('out', { key: string() })
}).compile()

const defaults = { replicationFactor: -1, topicConfigs: {} }

function prepare(
  client: LogClient,
  { settings = defaults, of = topology, logger = silentLogger } = {},
): ReturnType<typeof prepareTopics> {
  return prepareTopics({
    topology: of,
    deadLetterTopic: undefined,
    client,
    timers,
    logger,
    settings,
  })
}

describe('prepareTopics', () => {
  test('creates internal topics with the planned partitions, and output topics', async () => {
    const log = new FakeLog(timers)
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 3 }])
    const { internalTopics } = topology
    const { counts } = await prepare(client)
    for (const { name } of internalTopics) expect(counts.get(name)).toBe(3)
    expect((await client.describeTopics()).size).toBe(2 + internalTopics.length)
    expect(counts.get('out')).toBe(1)
  })

  test('refuses an internal topic that was made for other inputs', async () => {
    const client = new FakeLog(timers).client()
    const name = topology.internalTopics.find(topic => topic.kind === 'repartition')?.name
    await client.createTopics([{ name: 'in', partitions: 3 }, { name: name ?? '' }])
    await expect(prepare(client)).rejects.toMatchObject({
      code: 'WRONG_PARTITIONS',
      message: expect.stringMatching(/has 1 partitions but app needs 3.*millrace reset/),
    })
  })

  test('gives topics the settings of the application, under those of a store', async () => {
    const log = new FakeLog(timers)
    const client = log.client()
    await client.createTopics([{ name: 'in' }])
    const of = defineApp('app', builder => {
      builder
        .stream('in', text)
        .groupBy((_, value) => value, text)
        .count({ store: 'counts', changelog: { 'segment.bytes': '1048576' } })
    }).compile()
    const topicConfigs = { 'segment.bytes': '2097152', 'min.insync.replicas': '2' }
    await prepare(client, { of, settings: { replicationFactor: 3, topicConfigs } })
    expect(log.configs.get('app-counts-changelog')).toMatchObject({
      'cleanup.policy': 'compact',
      'segment.bytes': '1048576',
      'min.insync.replicas': '2',
    })
    const repartition = of.internalTopics.find(({ kind }) => kind === 'repartition')?.name ?? ''
    expect(log.configs.get(repartition)).toMatchObject({
      'cleanup.policy': 'delete',
      'segment.bytes': '2097152',
      'min.insync.replicas': '2',
    })
    expect(log.configs.get('out') ?? {}).toEqual({})
  })

  test.each([
    ['changelog', 'delete', /'app-counts-changelog' has cleanup.policy=delete, which deletes rows/],
    ['repartition', 'compact', /-repartition' has cleanup.policy=compact, which removes records/],
  ])('refuses a %s topic whose cleanup.policy is %s', async (kind, policy, message) => {
    const client = new FakeLog(timers).client()
    const name = topology.internalTopics.find(topic => topic.kind === kind)?.name ?? ''
    const configs = { 'cleanup.policy': policy }
    await client.createTopics([{ name: 'in' }, { name, configs }])
    await expect(prepare(client)).rejects.toMatchObject({
      code: 'WRONG_TOPIC_CONFIG',
      message: expect.stringMatching(message),
    })
  })

  test('warns of a changelog whose rows expire', async () => {
    const client = new FakeLog(timers).client()
    const configs = { 'cleanup.policy': 'compact,delete' }
    await client.createTopics([{ name: 'in' }, { name: 'app-counts-changelog', configs }])
    const warnings: string[] = []
    const logger = {
      ...silentLogger,
      warn: (_: object, message: string) => {
        warnings.push(message)
      },
    }
    await prepare(client, { logger })
    expect(warnings).toEqual([expect.stringMatching(/rows older than its retention/)])
  })
})

test.each([
  [{ replicationFactor: 0 }, /replicationFactor is 0/],
  [{ replicationFactor: 1.5 }, /replicationFactor is 1.5/],
  [{ topicConfigs: { 'cleanup.policy': 'compact' } }, /cannot set cleanup.policy/],
])('%o is refused', (config, message) => {
  expect(() => resolveStreamsConfig(config)).toThrow(message)
})
