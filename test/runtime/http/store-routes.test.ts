import { describe, expect, test } from 'vitest'

import { defineApp } from '../../../src/dsl/define-app.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { StoreRoutes } from '../../../src/runtime/http/store-routes.ts'
import type { Route } from '../../../src/runtime/member-data.ts'
import { planPartitions } from '../../../src/runtime/partition-plan.ts'
import { HostedTasks } from '../../../src/runtime/queries/hosted-tasks.ts'
import { InstanceQueries } from '../../../src/runtime/queries/instance-queries.ts'
import { StreamsMetadataState } from '../../../src/runtime/queries/streams-metadata.ts'
import { string } from '../../../src/serde/string.ts'
import { newTaskState } from '../../../src/state/task-state.ts'
import type { TimestampedKeyValueStore } from '../../../src/state/stores.ts'

const text = { key: string(), value: string() }
const topology = defineApp('counts', builder => {
  builder.stream('words', text).groupByKey().count({ store: 'counts' })
}).compile()
const plan = planPartitions(topology, new Map([['words', 1]]))
const [{ stores } = { stores: [] }] = topology.subtopologies
/** Nobody listens there. */
const gone = '127.0.0.1:1'
const here = '127.0.0.1:2'

/** An instance that has a copy of the one partition, 10 records behind, while another one is at work on it. */
function routes({
  routing,
  role = 'standby',
}: {
  routing: readonly Route[]
  role?: 'standby' | 'restoring'
}) {
  const state = newTaskState('0_0', stores)
  const table = state.store('counts') as TimestampedKeyValueStore<string, number>
  table.put('a', 7, 5)
  state.prepareCommit(() => {})
  void state.completeCommit(
    [{ topic: 'counts-counts-changelog', partition: 0, offset: 90 }],
    [{ topic: 'words', partition: 0, offset: 42 }],
  )
  const hosted = new HostedTasks(() => [])
  const onClosing = hosted.opened(state, role)
  const metadata = new StreamsMetadataState(topology, () => plan)
  metadata.routing = routing
  const queries = new InstanceQueries({
    name: 'counts',
    topology,
    client: {
      listOffsets: async partitions => partitions.map(each => ({ ...each, offset: 100 })),
      committedOffsets: async (_, partitions) =>
        partitions.map(each => ({ ...each, offset: 50, metadata: '' })),
    },
    timers: nodePlatform().timers,
    hosted,
    metadata,
    globalStore: () => undefined,
    state: () => 'RUNNING',
  })
  const server = new StoreRoutes({ queries, endpoint: here })
  const ask = async (
    parameters: string,
    headers: Record<string, string> = {},
  ): Promise<unknown> => {
    const request = new Request(`http://${here}/stores/counts/keys/a?${parameters}`, { headers })
    const response = await server.answer(request, { store: 'counts', part: 'row', key: 'a' })
    return response.json()
  }
  return { ask, onClosing, state }
}

describe('the owner cannot be reached', () => {
  const routing = [
    { endpoint: gone, active: ['0_0'], standby: [] },
    { endpoint: here, active: [], standby: ['0_0'] },
  ]

  test('a reader who wants the truth is told, one who takes a copy gets it with its age', async () => {
    const { ask } = routes({ routing })
    await expect(ask('')).rejects.toMatchObject({ code: 'CONNECTION_LOST', retriable: true })
    expect(await ask('stale=true')).toEqual({
      store: 'counts',
      partition: 0,
      owner: here,
      role: 'standby',
      position: { words: { 0: 41 } },
      lag: 10,
      stalenessMs: null,
      isolation: 'readUncommitted',
      row: { value: 7, timestamp: 5 },
    })
    expect(await ask('stale=true&maxLag=10')).toMatchObject({ lag: 10 })
  })

  test('a copy that is too old, or not up to the bound, does not answer', async () => {
    const { ask } = routes({ routing })
    // The owner's failure is the one that is told; the copy's would come first if there was none.
    await expect(ask('stale=true&maxLag=9')).rejects.toMatchObject({ retriable: true })
    const forwarded = { 'x-millrace-forwarded': 'other' }
    await expect(ask('stale=true&maxLag=9', forwarded)).rejects.toMatchObject({ code: 'TOO_STALE' })
    const bound = (offset: number): string => `position=${JSON.stringify({ words: { 0: offset } })}`
    expect(await ask(`stale=true&${bound(41)}`)).toMatchObject({ role: 'standby' })
    await expect(ask(`stale=true&${bound(42)}&waitMs=20`, forwarded)).rejects.toMatchObject({
      code: 'NOT_UP_TO_BOUND',
    })
  })
})

test('what was passed on once is not passed on again', async () => {
  const { ask } = routes({ routing: [{ endpoint: gone, active: ['0_0'], standby: [] }] })
  await expect(ask('', { 'x-millrace-forwarded': 'other' })).rejects.toMatchObject({
    code: 'STORE_NOT_READY',
  })
})

test('a partition that this instance restores is old for now; without an owner others are not asked', async () => {
  const routing = [{ endpoint: here, active: ['0_0'], standby: [] }]
  const { ask, onClosing } = routes({ routing, role: 'restoring' })
  await expect(ask('')).rejects.toMatchObject({ code: 'STORE_NOT_READY' })
  expect(await ask('stale=true')).toMatchObject({ role: 'restoring', lag: 10 })
  onClosing()
  await expect(ask('stale=true')).rejects.toMatchObject({ code: 'STORE_NOT_READY' })
})

test('a copy knows how far it has come once it has what its changelog had when that was committed', async () => {
  const { ask, state } = routes({ routing: [{ endpoint: here, active: [], standby: ['0_0'] }] })
  const bound = `stale=true&waitMs=10000&position=${JSON.stringify({ words: { 0: 49 } })}`
  const answer = ask(bound)
  await state.completeCommit([{ topic: 'counts-counts-changelog', partition: 0, offset: 100 }])
  expect(await answer).toMatchObject({ position: { words: { 0: 49 } }, lag: 0, stalenessMs: 0 })
})
