import { describe, expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
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

describe('prepareTopics', () => {
  test('creates internal topics with the planned partitions, and output topics', async () => {
    const log = new FakeLog(timers)
    const client = log.client()
    await client.createTopics([{ name: 'in', partitions: 3 }])
    const { internalTopics } = topology
    const { counts } = await prepareTopics({
      topology,
      deadLetterTopic: undefined,
      client,
      timers,
      logger: silentLogger,
    })
    for (const { name } of internalTopics) expect(counts.get(name)).toBe(3)
    expect((await client.describeTopics()).size).toBe(2 + internalTopics.length)
    expect(counts.get('out')).toBe(1)
  })

  test('refuses an internal topic that was made for other inputs', async () => {
    const client = new FakeLog(timers).client()
    const name = topology.internalTopics.find(topic => topic.kind === 'repartition')?.name
    await client.createTopics([{ name: 'in', partitions: 3 }, { name: name ?? '' }])
    await expect(
      prepareTopics({ topology, deadLetterTopic: undefined, client, timers, logger: silentLogger }),
    ).rejects.toMatchObject({
      code: 'WRONG_PARTITIONS',
      message: expect.stringMatching(/has 1 partitions but app needs 3/),
    })
  })
})
