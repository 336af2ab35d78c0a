import { expect, test } from 'vitest'

import { defineApp } from '../../../src/dsl/define-app.ts'
import type { StreamsBuilder } from '../../../src/dsl/streams-builder.ts'
import { planPartitions } from '../../../src/runtime/partition-plan.ts'
import { queryableStore } from '../../../src/runtime/queries/store-view.ts'
import { StreamsMetadataState } from '../../../src/runtime/queries/streams-metadata.ts'
import { partitionForKey } from '../../../src/protocol/murmur2.ts'
import { string } from '../../../src/serde/string.ts'
import { windowed } from '../../../src/serde/windowed.ts'

const text = { key: string(), value: string() }

function metadataOf(build: (builder: StreamsBuilder) => void) {
  const topology = defineApp('app', build).compile()
  const plan = planPartitions(
    topology,
    new Map([
      ['in', 8],
      ['windowed', 8],
    ]),
  )
  return { topology, metadata: new StreamsMetadataState(topology, () => plan) }
}

test('a key is in the partition of its hash, a key in a window in that of the key', () => {
  const { metadata, topology } = metadataOf(builder => {
    builder.stream('in', text).groupByKey().count({ store: 'counts' })
    const key = windowed(string(), 60_000)
    builder.table('windowed', { ...text, key, store: 'windows' })
  })
  expect(metadata.ofKey('counts', 'a')).toEqual({
    partition: partitionForKey(Buffer.from('a'), 8),
    active: null,
    standbys: [],
  })
  const found = queryableStore('windows', topology)
  for (const start of [0, 60_000, 120_000]) {
    const key = { key: 'a', window: { start, end: start + 60_000 } }
    expect(metadata.partitionOf(found, key)).toBe(partitionForKey(Buffer.from('a'), 8))
  }
  expect(() => metadata.ofKey('count', 'a')).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_STORE' }),
  )
})

test('where a partitioner has decided, nobody else knows', () => {
  const { metadata, topology } = metadataOf(builder => {
    builder
      .stream('in', text)
      .repartition({ ...text, name: 'again', partitioner: () => 3 })
      .groupByKey()
      .count({ store: 'counts' })
  })
  expect(metadata.partitionOf(queryableStore('counts', topology), 'a')).toBeNull()
  expect(() => metadata.ofKey('counts', 'a')).toThrow(
    expect.objectContaining({ code: 'INVALID_CONFIG' }),
  )
  metadata.routing = [
    { endpoint: 'one:1', active: ['1_0'], standby: ['1_3'] },
    { endpoint: 'two:2', active: ['1_3'], standby: [] },
  ]
  expect(metadata.ofKey('counts', 'a', () => 3)).toEqual({
    partition: 3,
    active: 'two:2',
    standbys: ['one:1'],
  })
  expect(metadata.instances()).toEqual([
    { endpoint: 'one:1', stores: [{ store: 'counts', partitions: [0], standbyPartitions: [3] }] },
    { endpoint: 'two:2', stores: [{ store: 'counts', partitions: [3], standbyPartitions: [] }] },
  ])
})
