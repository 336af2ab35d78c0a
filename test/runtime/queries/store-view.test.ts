import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test, vi } from 'vitest'

import { silentLogger } from '../../../src/logger.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { queryStore } from '../../../src/runtime/queries/store-view.ts'
import { long } from '../../../src/serde/numbers.ts'
import { string } from '../../../src/serde/string.ts'
import { KeyValueStore } from '../../../src/state/key-value-store.ts'
import { levelEngine } from '../../../src/state/level-engine.ts'
import { openTaskState } from '../../../src/state/open-task-state.ts'
import type { QueryableStore } from '../../../src/state/stores.ts'
import { newTaskState, type TaskState } from '../../../src/state/task-state.ts'
import { WindowStore } from '../../../src/state/window-store.ts'
import type { StoreDefinition, Topology } from '../../../src/topology/topology.ts'
import { temporaryFolder } from '../testbed.ts'

const serdes = { key: string(), value: long(), changelogTopic: null }
const counts: StoreDefinition = { kind: 'timestampedKeyValue', name: 'counts', ...serdes }
const windows: StoreDefinition = {
  kind: 'timestampedWindow',
  name: 'windows',
  retentionMs: 200_000,
  windowSizeMs: 60_000,
  ...serdes,
}
const stores = [counts, windows]

const topology: Topology = {
  applicationId: 'app',
  subtopologies: [{ id: 0, nodes: [], stores, copartitioned: [] }],
  internalTopics: [],
  globalStores: [],
}

const query = (name: string, states: readonly TaskState[]): QueryableStore =>
  queryStore(name, {
    topology,
    globalStore: () => undefined,
    tasks: () => states.map(state => ({ state })),
  })

function put(state: TaskState, key: string, value: number): void {
  const table = state.rows('counts')
  if (table instanceof KeyValueStore) table.put(key, value, 5)
  const windowed = state.rows('windows')
  if (windowed instanceof WindowStore) windowed.put(key, value, 10_000, 5)
}

test('a query shows the stores of all tasks as one, in the shape of its kind', async () => {
  const states = [newTaskState('0_0', stores), newTaskState('0_1', stores)]
  states.forEach((state, i) => put(state, `key-${i}`, i))
  const table = query('counts', states)
  expect('get' in table && table.get('key-1')).toEqual({ value: 1, timestamp: 5 })
  const windowed = query('windows', states)
  expect('fetch' in windowed && windowed.fetch('key-1', 10_000)).toEqual({ value: 1, timestamp: 5 })
  const rows = [0, 1].map(i => ({ key: `key-${i}`, value: i, timestamp: 5 }))
  expect(await list(table.all())).toEqual(rows)
  expect(await list(windowed.all())).toEqual(rows.map(row => ({ ...row, windowStart: 10_000 })))
  expect(() => query('count', states)).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_STORE', message: expect.stringMatching(/counts/) }),
  )
})

test('a query that ends before its last task leaves no iterator open, nor does one that never begins', async () => {
  using folder = temporaryFolder()
  const engine = levelEngine({ ...nodePlatform(), folder: folder.path })
  const states = await Promise.all(
    ['0_0', '0_1', '0_2'].map(taskId =>
      openTaskState({ engine, taskId, stores, bootId: 'boot', logger: silentLogger }),
    ),
  )
  for (const [i, state] of states.entries()) {
    put(state, `key-${i}`, i)
    state.prepareCommit(() => {})
    await state.completeCommit([])
  }
  const opened = vi.spyOn(ClassicLevel.prototype, 'iterator')
  onTestFinished(() => opened.mockRestore())
  for (const name of ['counts', 'windows']) {
    const store = query(name, states)
    store.all()
    for await (const { key } of store.all()) {
      expect(key).toBe('key-0')
      break
    }
  }
  const iterators = opened.mock.results.map(({ value }): unknown => value)
  expect(iterators.length).toBeGreaterThan(0)
  for (const iterator of iterators) {
    await expect(readFrom(iterator)).rejects.toThrow(
      expect.objectContaining({ code: 'LEVEL_ITERATOR_NOT_OPEN' }),
    )
  }
  for (const state of states) await state.close()
})

async function list(rows: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = []
  for await (const row of rows) all.push(row)
  return all
}

const readFrom = async (iterator: unknown): Promise<unknown> => {
  const isIterator = (value: unknown): value is AsyncIterator<unknown> =>
    typeof value === 'object' && value !== null && 'next' in value
  if (!isIterator(iterator)) throw new Error('LevelDB was not asked')
  return iterator.next()
}
