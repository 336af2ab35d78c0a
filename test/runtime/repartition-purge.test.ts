import { expect, test } from 'vitest'
import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { RepartitionPurge } from '../../src/runtime/repartition-purge.ts'
import type { Topology } from '../../src/topology/topology.ts'
import { FakeLog } from './fake-log-client.ts'
import { produce, record } from './testbed.ts'

const topology: Topology = {
  applicationId: 'app',
  subtopologies: [],
  globalStores: [],
  internalTopics: [
    { name: 'app-r-repartition', kind: 'repartition', configs: {} },
    { name: 'app-s-changelog', kind: 'changelog', configs: {} },
  ],
}

test('deletes what is committed of repartition topics, and only that, every 30 s', async () => {
  const log = new FakeLog(nodePlatform().timers)
  const client = log.client()
  const topics = ['app-r-repartition', 'app-s-changelog', 'in']
  await client.createTopics(topics.map(name => ({ name })))
  for (const topic of topics) {
    for (const key of ['a', 'b', 'c']) await produce(client, topic, [record(key, 'x')])
  }
  let nowMs = 0
  const clock = { now: () => nowMs, monotonic: () => nowMs, bootId: '' }
  const purge = new RepartitionPurge({ topology, client, clock, logger: silentLogger })
  const starts = (): number[] => topics.map(topic => log.startOffset({ topic, partition: 0 }))
  const offsets = topics.map(topic => ({ topic, partition: 0, offset: 2 }))

  purge.committed(offsets)
  expect(starts()).toEqual([0, 0, 0])
  nowMs = 30_000
  purge.committed(offsets)
  expect(starts()).toEqual([2, 0, 0])
})
