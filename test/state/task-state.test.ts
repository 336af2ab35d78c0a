import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'

import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import { KeyValueStore } from '../../src/state/key-value-store.ts'
import { keyValueReader } from '../../src/state/readers/key-value-reader.ts'
import { windowReader } from '../../src/state/readers/window-reader.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import { memoryEngine } from '../../src/state/memory-engine.ts'
import type { StoreDefinition } from '../../src/state/store-definition.ts'
import type { StoreDatabase, StoreEngine } from '../../src/state/store-engine.ts'
import { rowTimestamp, rowValue } from '../../src/state/stored-row.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { WindowStore } from '../../src/state/window-store.ts'
import { FakeChangelog } from './fake-changelog.ts'

const counts: StoreDefinition = {
  kind: 'timestampedKeyValue',
  name: 'counts',
  key: string(),
  value: long(),
  changelogTopic: 'app-counts-changelog',
}
const windows: StoreDefinition = {
  kind: 'timestampedWindow',
  name: 'windows',
  key: string(),
  value: long(),
  retentionMs: 200_000,
  windowSizeMs: 10_000,
  changelogTopic: 'app-windows-changelog',
}

const partition = 3

const open = (engine: StoreEngine, bootId = 'boot-1'): Promise<TaskState> =>
  openTaskState({
    engine,
    taskId: '0_3',
    stores: [counts, windows],
    bootId,
    logger: silentLogger,
  })

function countsOf(state: TaskState): KeyValueStore {
  const store = state.rows('counts')
  if (!(store instanceof KeyValueStore)) throw new Error('no key-value store')
  return store
}

function windowsOf(state: TaskState): WindowStore {
  const store = state.rows('windows')
  if (!(store instanceof WindowStore)) throw new Error('no window store')
  return store
}

/** Remembers the database that was opened last, to look past the stores. */
function spyOn(engine: StoreEngine): StoreEngine & { database: StoreDatabase } {
  let database: StoreDatabase | undefined
  return {
    destroy: name => engine.destroy(name),
    open: async name => (database = await engine.open(name)),
    get database() {
      if (database === undefined) throw new Error('nothing was opened')
      return database
    },
  }
}

type Image = Record<string, readonly [value: string, timestamp: number]>

/** What compaction would leave of a changelog. */
function imageOf(changelog: FakeChangelog, topic: string): Image {
  const image: Image = {}
  for (const { key, value, timestamp } of changelog.records(topic)) {
    if (value === null) delete image[key.toString('hex')]
    else image[key.toString('hex')] = [value.toString('hex'), timestamp]
  }
  return image
}

/** The rows of a store as they stand in the database, expired ones included. */
async function storedRows(
  database: StoreDatabase,
  store: KeyValueStore | WindowStore,
): Promise<Image> {
  const image: Image = {}
  for await (const [key, row] of database.entries(store.table.range)) {
    const changelogKey = store.changelogKey(store.table.storeKey(key))
    image[changelogKey.toString('hex')] = [rowValue(row).toString('hex'), rowTimestamp(row)]
  }
  return image
}

async function expectChangelogIsImage(
  state: TaskState,
  database: StoreDatabase,
  changelog: FakeChangelog,
): Promise<void> {
  expect(imageOf(changelog, 'app-counts-changelog')).toEqual(
    await storedRows(database, countsOf(state)),
  )
  expect(imageOf(changelog, 'app-windows-changelog')).toEqual(
    await storedRows(database, windowsOf(state)),
  )
}

async function commit(state: TaskState, changelog: FakeChangelog): Promise<void> {
  state.prepareCommit(changelog.write)
  await state.completeCommit(changelog.ends(partition))
}

async function restore(state: TaskState, changelog: FakeChangelog, limit?: number): Promise<void> {
  for (const { name, changelogTopic: topic } of [counts, windows]) {
    if (topic === null) continue
    const end = changelog.records(topic).length
    for (;;) {
      const from = state.checkpoint({ topic, partition }) ?? 0
      if (from === end) break
      await state.restore(name, changelog.fetch(topic, partition, from, limit))
    }
  }
}

async function contents(state: TaskState): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const row of allOf(countsOf(state))) rows.push(row)
  for await (const row of allWindowsOf(windowsOf(state))) rows.push(row)
  return rows
}

let remove = (): void => {}
afterEach(() => {
  remove()
  remove = () => {}
})

function newLevelFolder(): string {
  remove()
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-task-state-'))
  remove = () => rmSync(folder, { recursive: true })
  return folder
}

const newLevelEngine = (folder: string): StoreEngine => levelEngine({ ...nodePlatform(), folder })

/** Opening a LevelDB waits for the disk: fewer runs there. */
const engines = [
  ['memory', memoryEngine, 200],
  ['LevelDB', () => newLevelEngine(newLevelFolder()), 20],
] as const

describe.each(engines)('the stores of a task over %s', (_name, newEngine, numRuns) => {
  test('a transaction sees its own writes; not committed it leaves nothing', async () => {
    const engine = newEngine()
    const state = await open(engine)
    countsOf(state).put('a', 1, 10)
    expect(countsOf(state).get('a')).toEqual({ value: 1, timestamp: 10 })
    expect(await contents(state)).toEqual([{ key: 'a', value: 1, timestamp: 10 }])
    await state.close()
    const again = await open(engine)
    expect(countsOf(again).get('a')).toBeUndefined()
    expect(await contents(again)).toEqual([])
    await again.close()
  })

  test('a commit logs each changed key once, in the order of the last writes', async () => {
    const state = await open(newEngine())
    const changelog = new FakeChangelog()
    countsOf(state).put('a', 1, 10)
    countsOf(state).put('b', 1, 11)
    countsOf(state).put('a', 2, 12)
    countsOf(state).put('c', null, 13)
    await commit(state, changelog)
    expect(
      changelog
        .records('app-counts-changelog')
        .map(({ key, value, timestamp }) => [
          key.toString(),
          value && long().deserialize(value),
          timestamp,
        ]),
    ).toEqual([
      ['b', 1, 11],
      ['a', 2, 12],
      ['c', null, 13],
    ])
    await state.close()
  })

  test('between the steps of a commit reads see it, and the next transaction may begin', async () => {
    const engine = newEngine()
    const state = await open(engine)
    const changelog = new FakeChangelog()
    countsOf(state).put('a', 1, 10)
    state.prepareCommit(changelog.write)
    expect(countsOf(state).get('a')).toEqual({ value: 1, timestamp: 10 })
    countsOf(state).put('a', 2, 11)
    await state.completeCommit(changelog.ends(partition))
    expect(countsOf(state).get('a')).toEqual({ value: 2, timestamp: 11 })
    await state.close()
    const again = await open(engine)
    expect(countsOf(again).get('a')).toEqual({ value: 1, timestamp: 10 })
    await again.close()
  })

  test('rows are those of the moment at which the iteration begins', async () => {
    const state = await open(newEngine())
    const changelog = new FakeChangelog()
    const store = countsOf(state)
    store.put('a', 1, 1)
    store.put('c', 1, 1)
    const rows = allOf(store)
    await commit(state, changelog)
    store.put('b', 1, 1)
    const iterator = rows[Symbol.asyncIterator]()
    const first = iterator.next()
    for (const key of ['b', 'c', 'd']) store.put(key, 2, 2)
    await commit(state, changelog)
    const row = (key: string): object => ({ key, value: 1, timestamp: 1 })
    expect(await first).toEqual({ done: false, value: row('a') })
    expect(await iterator.next()).toEqual({ done: false, value: row('b') })
    expect(await iterator.next()).toEqual({ done: false, value: row('c') })
    expect((await iterator.next()).done).toBe(true)
    await state.close()
  })

  test('keys in the changelog of a window store are those of Kafka', async () => {
    const state = await open(newEngine())
    const changelog = new FakeChangelog()
    windowsOf(state).put('ab', 7, 0x0102_0304_0506, 5)
    await commit(state, changelog)
    expect(changelog.records('app-windows-changelog')).toEqual([
      {
        key: Buffer.from('6162000001020304050600000000', 'hex'),
        value: long().serialize(7),
        timestamp: 5,
      },
    ])
    await state.close()
  })

  test('an expired window is hidden, refused and in the end removed', async () => {
    const engine = newEngine()
    const state = await open(engine)
    const changelog = new FakeChangelog()
    const store = windowsOf(state)
    store.put('a', 1, 0, 1)
    store.put('a', 2, 10_000, 2)
    await commit(state, changelog)
    // Retention is 200 s: the window at 0 is just not visible, its segment of 100 s still lives.
    store.put('b', 3, 200_000, 3)
    expect(store.fetch('a', 0)).toBeUndefined()
    expect(store.fetch('a', 10_000)).toEqual({ value: 2, timestamp: 2 })
    expect(store.put('late', 4, 0, 4)).toBe(true)
    expect(store.fetch('late', 0)).toBeUndefined()
    expect(state.refusedPuts).toBe(0)
    store.put('b', 5, 300_000, 5)
    expect(store.put('late', 6, 99_999, 6)).toBe(false)
    expect(store.put('late', 6, 100_000, 6)).toBe(true)
    expect(state.refusedPuts).toBe(1)
    await commit(state, changelog)
    await commit(state, changelog)
    await state.close()

    const database = await engine.open('0_3')
    const keys: string[] = []
    for await (const [key] of database.entries({ from: Buffer.from([1]) })) {
      keys.push(key.toString('latin1'))
    }
    expect(keys.filter(key => key.includes('late') || key.includes('a\0'))).toHaveLength(1)
    await database.close()
  })

  test('an expired row gets a tombstone, in the commit that deletes it', async () => {
    const engine = spyOn(newEngine())
    let state = await open(engine)
    const changelog = new FakeChangelog()
    const topic = 'app-windows-changelog'
    windowsOf(state).put('a', 1, 0, 1)
    windowsOf(state).put('b', 2, 10_000, 2)
    await commit(state, changelog)
    windowsOf(state).put('c', 3, 300_000, 3)
    await commit(state, changelog)
    await expectChangelogIsImage(state, engine.database, changelog)
    windowsOf(state).put('c', 4, 310_000, 4)
    // Expiry that was not committed is forgotten, and found again.
    await state.close()
    state = await open(engine)
    windowsOf(state).put('c', 5, 320_000, 5)
    await commit(state, changelog)
    await commit(state, changelog)
    await expectChangelogIsImage(state, engine.database, changelog)
    expect(changelog.records(topic).slice(3)).toEqual([
      expect.objectContaining({ value: long().serialize(5), timestamp: 5 }),
      expect.objectContaining({ key: bytesOf('a', 0), value: null, timestamp: 320_000 }),
      expect.objectContaining({ key: bytesOf('b', 10_000), value: null, timestamp: 320_000 }),
    ])
    await state.close()
  })

  test('many expired rows are deleted over several commits, each row once', async () => {
    const engine = spyOn(newEngine())
    const state = await open(engine)
    const changelog = new FakeChangelog()
    const topic = 'app-windows-changelog'
    for (let i = 0; i < 10_000; i++) windowsOf(state).put(`key-${i}`, i, 0, 0)
    await commit(state, changelog)
    for (let i = 0; i < 5000; i++) windowsOf(state).put(`key-${i}`, i, 1000, 0)
    await commit(state, changelog)
    windowsOf(state).put('new', 1, 1_000_000, 1)
    await commit(state, changelog)
    const lengths = [changelog.records(topic).length]
    for (let i = 0; i < 3; i++) {
      await commit(state, changelog)
      await expectChangelogIsImage(state, engine.database, changelog)
      lengths.push(changelog.records(topic).length)
    }
    expect(lengths).toEqual([15_001, 25_001, 30_001, 30_001])
    expect(await contents(state)).toEqual([
      { key: 'new', windowStart: 1_000_000, value: 1, timestamp: 1 },
    ])
    await state.close()
  })

  test('what has expired is known after a restart and after a restore', async () => {
    const engine = newEngine()
    const changelog = new FakeChangelog()
    const first = await open(engine)
    windowsOf(first).put('a', 1, 0, 1)
    windowsOf(first).put('a', 2, 500_000, 2)
    await commit(first, changelog)
    await first.close()

    const restarted = await open(engine)
    expect(windowsOf(restarted).put('late', 1, 0, 1)).toBe(false)
    await restarted.wipe()
    const wiped = await open(engine)
    expect(windowsOf(wiped).put('late', 1, 0, 1)).toBe(true)
    await wiped.close()
    const restored = await open(engine)
    await restore(restored, changelog)
    expect(windowsOf(restored).put('late', 1, 0, 1)).toBe(false)
    expect(await contents(restored)).toEqual([
      { key: 'a', windowStart: 500_000, value: 2, timestamp: 2 },
    ])
    await restored.close()
  })

  test('only a stop of the machine wipes stores that were open', async () => {
    const engine = newEngine()
    const changelog = new FakeChangelog()
    const closed = await open(engine)
    countsOf(closed).put('a', 1, 1)
    await commit(closed, changelog)
    await closed.close()

    const topic = 'app-counts-changelog'
    const rebooted = await open(engine, 'boot-2')
    expect(rebooted.checkpoint({ topic, partition })).toBe(1)
    await rebooted.close()
    await reopenUnclean(engine, 'boot-2')
    const killed = await open(engine, 'boot-2')
    expect(countsOf(killed).get('a')).toEqual({ value: 1, timestamp: 1 })
    await killed.close()
    await reopenUnclean(engine, 'boot-2')
    const lostPower = await open(engine, 'boot-3')
    expect(lostPower.checkpoint({ topic, partition })).toBeUndefined()
    expect(countsOf(lostPower).get('a')).toBeUndefined()
    await lostPower.close()
    await reopenUnclean(engine, '')
    const unknown = await open(engine, '')
    expect(unknown.checkpoint({ topic, partition })).toBeUndefined()
    await unknown.close()
  })

  test('a row that was changed on disk is not returned: the task is corrupted', async () => {
    const engine = newEngine()
    const state = await open(engine)
    countsOf(state).put('a', 1, 1)
    await commit(state, new FakeChangelog())
    await state.close()
    const database = await engine.open('0_3')
    const key = Buffer.from('\x06countsa', 'latin1')
    const row = database.get(key)
    row?.writeUInt8(2, row.length - 1)
    await database.write([{ key, value: row ?? null }])
    await database.close()

    const damaged = await open(engine)
    const corrupted = expect.objectContaining({
      code: 'TASK_CORRUPTED',
      message: expect.stringMatching(/counts.*0_3/),
    })
    expect(() => countsOf(damaged).get('a')).toThrow(corrupted)
    await expect(contents(damaged)).rejects.toThrow(corrupted)
    await damaged.wipe()
  })

  test('what was read before is not shown after a delete or a restore', async () => {
    const state = await open(newEngine())
    const changelog = new FakeChangelog()
    countsOf(state).put('a', 1, 1)
    countsOf(state).put('b', 1, 1)
    await commit(state, changelog)
    expect(countsOf(state).get('a')?.value).toBe(1)
    countsOf(state).put('a', null, 2)
    await commit(state, changelog)
    expect(countsOf(state).get('a')).toBeUndefined()
    expect(countsOf(state).get('b')?.value).toBe(1)
    const topic = 'app-counts-changelog'
    changelog.write(topic, Buffer.from('b'), long().serialize(2), 3)
    // A batch may begin before the position: its first records were applied long ago.
    const fetched = changelog.fetch(topic, partition, 0)
    expect(await state.restore('counts', { ...fetched, offset: 3 })).toBe(1)
    expect(countsOf(state).get('b')).toEqual({ value: 2, timestamp: 3 })
    expect(countsOf(state).get('a')).toBeUndefined()
    expect(state.checkpoint({ topic, partition })).toBe(4)
    await state.close()
  })

  test('the stores are the fold of their changelogs, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 40, size: 'max' }), async events => {
        const engine = spyOn(newEngine())
        const changelog = new FakeChangelog()
        let state = await open(engine)
        for (const event of events) {
          switch (event.kind) {
            case 'put':
              countsOf(state).put(event.key, event.value, event.time)
              break
            case 'putWindow':
              windowsOf(state).put(event.key, event.value, event.time, event.time + 1)
              break
            case 'read':
              await expectSingleReadsAgree(state)
              break
            case 'commit':
              await commit(state, changelog)
              await expectChangelogIsImage(state, engine.database, changelog)
              break
            case 'restart':
              await state.close()
              state = await open(engine)
              await restore(state, changelog, event.limit)
              await expectChangelogIsImage(state, engine.database, changelog)
              break
            case 'crashBetweenSteps':
              state.prepareCommit(changelog.write)
              await state.close()
              state = await open(engine)
              await restore(state, changelog, event.limit)
              await expectChangelogIsImage(state, engine.database, changelog)
              break
            case 'wipe':
              await state.wipe()
              state = await open(engine)
              await restore(state, changelog, event.limit)
              await expectChangelogIsImage(state, engine.database, changelog)
          }
        }
        await commit(state, changelog)
        await expectSingleReadsAgree(state)
        expect(await contents(state)).toEqual(await fold(changelog))
        await state.close()
      }),
      { numRuns },
    )
  })
})

/** A key of a window in the changelog. */
function bytesOf(key: string, windowStart: number): Buffer {
  const bytes = Buffer.alloc(key.length + 12)
  bytes.write(key)
  bytes.writeBigInt64BE(BigInt(windowStart), key.length)
  return bytes
}

/** Opens without closing: what a killed process leaves. */
async function reopenUnclean(engine: StoreEngine, bootId: string): Promise<void> {
  let close = async (): Promise<void> => {}
  await open(
    {
      destroy: name => engine.destroy(name),
      async open(name) {
        const database = await engine.open(name)
        close = () => database.close()
        return database
      },
    },
    bootId,
  )
  await close()
}

/** What a store that applied each record of the changelog in turn would show. */
async function fold(changelog: FakeChangelog): Promise<unknown[]> {
  const state = await open(memoryEngine())
  for (const { key, value, timestamp } of changelog.records('app-counts-changelog')) {
    countsOf(state).put(string().deserialize(key), value && long().deserialize(value), timestamp)
  }
  for (const { key, value, timestamp } of changelog.records('app-windows-changelog')) {
    windowsOf(state).put(
      string().deserialize(key.subarray(0, -12)),
      value && long().deserialize(value),
      Number(key.readBigInt64BE(key.length - 12)),
      timestamp,
    )
  }
  return contents(state)
}

/** Reads of single keys come from the transaction, the cache or the database: they must show what iterating shows. */
async function expectSingleReadsAgree(state: TaskState): Promise<void> {
  const rows = new Map<string, unknown>()
  for await (const { key, value, timestamp } of allOf(countsOf(state))) {
    rows.set(String(key), { value, timestamp })
  }
  for (const key of keys) expect(countsOf(state).get(key)).toEqual(rows.get(key))
  for await (const { key, windowStart, value, timestamp } of allWindowsOf(windowsOf(state))) {
    expect(windowsOf(state).fetch(key, windowStart)).toEqual({ value, timestamp })
  }
}

const keys = ['', 'a', 'ÿ']
const key = fc.constantFrom(...keys)
const value = fc.option(fc.nat(5), { freq: 2 })
const time = fc.oneof(fc.constantFrom(0, 5), fc.nat(1_000_000))
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put' as const), key, value, time }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('putWindow' as const), key, value, time }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('commit' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
  ...(['restart', 'crashBetweenSteps', 'wipe'] as const).map(kind => ({
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant(kind), limit: fc.integer({ min: 1, max: 9 }) }),
  })),
)

const allOf = (store: KeyValueStore): ReturnType<ReturnType<typeof keyValueReader>['all']> =>
  keyValueReader(store, store.table).all()

const allWindowsOf = (store: WindowStore): ReturnType<ReturnType<typeof windowReader>['all']> =>
  windowReader(store, store.table, () => store.observedTime).all()
