import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { silentLogger } from '../../../src/logger.ts'
import { nodePlatform } from '../../../src/platform/node-platform.ts'
import { long } from '../../../src/serde/numbers.ts'
import { string } from '../../../src/serde/string.ts'
import { levelEngine } from '../../../src/state/level-engine.ts'
import { memoryEngine } from '../../../src/state/memory-engine.ts'
import { openTaskState } from '../../../src/state/open-task-state.ts'
import { storeReader } from '../../../src/state/readers/store-reader.ts'
import type { Isolation } from '../../../src/state/row-reader.ts'
import type { StoreDefinition } from '../../../src/state/store-definition.ts'
import type { StoreEngine } from '../../../src/state/store-engine.ts'
import type {
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
  SessionStore,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  VersionedKeyValueStore,
} from '../../../src/state/stores.ts'
import type { TaskState } from '../../../src/state/task-state.ts'

/**
 * What queries read of stores that keep no keys in memory, against lists of rows, over both engines: with what the open
 * transaction has written, and without it.
 */
const serdes = { key: string(), value: long(), changelogTopic: null }
const retentionMs = 1_000_000
const definitions: readonly StoreDefinition[] = [
  { kind: 'timestampedKeyValue', name: 'table', ...serdes },
  { kind: 'timestampedWindow', name: 'windows', retentionMs, windowSizeMs: 10, ...serdes },
  { kind: 'session', name: 'sessions', retentionMs, ...serdes },
  { kind: 'versionedKeyValue', name: 'versions', historyRetentionMs: retentionMs, ...serdes },
]

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-readers-'))
afterAll(() => rmSync(folder, { recursive: true }))
let databases = 0

const engines: readonly (readonly [string, StoreEngine])[] = [
  ['memory', memoryEngine()],
  ['LevelDB', levelEngine({ ...nodePlatform(), folder })],
]

// Bytes of one go on where those of another end.
const keyOf = fc.constantFrom('a', 'aa', 'ab', 'b', 'ba', 'é')
// Few, so that puts meet, in several segments.
const timeOf = fc.nat({ max: 9 }).map(n => n * 100_000)
const put = fc.record({ key: keyOf, time: timeOf, value: fc.option(fc.nat({ max: 9 })) })

interface Put {
  readonly key: string
  readonly time: number
  readonly value: number | null
}

const open = (engine: StoreEngine, taskId: string): Promise<TaskState> =>
  openTaskState({ engine, taskId, stores: definitions, bootId: 'boot', logger: silentLogger })

function write(state: TaskState, { key, time, value }: Put): void {
  const table = state.store('table') as TimestampedKeyValueStore<string, number>
  table.put(key, value, time)
  const windows = state.store('windows') as TimestampedWindowStore<string, number>
  windows.put(key, value, time, time)
  const sessions = state.store('sessions') as SessionStore<string, number>
  sessions.put(key, value, time, time + 5, time)
  const versions = state.store('versions') as VersionedKeyValueStore<string, number>
  versions.put(key, value, time)
}

async function list<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}

/** A task's stores as queries see them. */
function readers(state: TaskState, isolation: Isolation) {
  const of = (name: string): unknown => storeReader(state, name, isolation)
  return {
    table: of('table') as ReadOnlyKeyValueStore<string, number>,
    windows: of('windows') as ReadOnlyWindowStore<string, number>,
    sessions: of('sessions') as ReadOnlySessionStore<string, number>,
    versions: of('versions') as ReadOnlyVersionedKeyValueStore<string, number>,
  }
}

const byKey = (a: { key: string }, b: { key: string }): number =>
  Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))

async function check(
  state: TaskState,
  isolation: Isolation,
  puts: readonly Put[],
  asked: { from: string; to: string; key: string; first: number; last: number },
): Promise<void> {
  const { table, windows, sessions, versions } = readers(state, isolation)
  const rows = new Map<string, { key: string; value: number; timestamp: number }>()
  const timed = new Map<string, { key: string; time: number; value: number }>()
  for (const { key, time, value } of puts) {
    if (value === null) {
      rows.delete(key)
      timed.delete(`${key}@${time}`)
    } else {
      rows.set(key, { key, value, timestamp: time })
      timed.set(`${key}@${time}`, { key, time, value })
    }
  }
  const { from, to, key, first, last } = asked
  const isBetween = (each: { key: string }): boolean =>
    byKey(each, { key: from }) >= 0 && byKey(each, { key: to }) <= 0
  const expected = [...rows.values()].sort(byKey)
  expect(await list(table.all())).toEqual(expected)
  expect(await list(table.range({ from, to }))).toEqual(expected.filter(isBetween))
  expect(await list(table.range({ from, to, reverse: true }))).toEqual(
    expected.filter(isBetween).toReversed(),
  )
  const prefix = Buffer.from('a')
  expect(await list(table.range({ prefix }))).toEqual(
    expected.filter(each => each.key.startsWith('a')),
  )
  expect(await table.approximateNumEntries()).toBe(expected.length)
  expect(table.get(key)?.value).toBe(rows.get(key)?.value)

  const inTime = [...timed.values()].filter(({ time }) => time >= first && time <= last)
  const ofKey = inTime.filter(each => each.key === key).sort((a, b) => a.time - b.time)
  const starts = ofKey.map(({ time, value }) => [time, value])
  const span = { from: first, to: last }
  const found = await list(windows.fetchRange(key, span))
  expect(found.map(({ windowStart, value }) => [windowStart, value])).toEqual(starts)
  const backwards = await list(windows.fetchRange(key, { ...span, reverse: true }))
  expect(backwards.map(({ windowStart }) => windowStart)).toEqual(
    starts.map(([time]) => time).toReversed(),
  )
  const many = await list(windows.fetchAll({ ...span, fromKey: from, toKey: to }))
  const names = (all: readonly { key: string }[]): string[] => all.map(each => each.key).sort()
  expect(names(many)).toEqual(names(inTime.filter(isBetween)))
  const one = ofKey[0]
  expect(one && windows.fetch(key, one.time)?.value).toBe(one?.value)

  const visits = await list(
    sessions.findSessions(key, { earliestEnd: first + 5, latestStart: last }),
  )
  expect(visits.map(({ start, value }) => [start, value])).toEqual(starts)
  const lastFirst = await list(
    sessions.findSessions(key, { earliestEnd: first + 5, latestStart: last, reverse: true }),
  )
  expect(lastFirst).toEqual(visits.toReversed())
  const ofMany = await list(
    sessions.fetchAll({ earliestEnd: first + 5, latestStart: last, fromKey: from, toKey: to }),
  )
  expect(names(ofMany)).toEqual(names(inTime.filter(isBetween)))
  expect(one && sessions.fetchSession(key, one.time, one.time + 5)).toBe(one?.value)

  // The last put of a time counts.
  const history = new Map<number, number | null>()
  for (const each of puts) if (each.key === key) history.set(each.time, each.value)
  const known = [...history].sort(([a], [b]) => a - b)
  const asOf = known.findLast(([time]) => time <= last)
  expect(versions.get(key, last)?.value).toBe(asOf?.[1] ?? undefined)
  const all = await list(versions.versions(key, span))
  expect(all).toEqual((await list(versions.versions(key, { ...span, reverse: true }))).toReversed())
  for (const { timestamp, validTo, value } of all) {
    expect(history.get(timestamp)).toBe(value)
    expect(timestamp <= last && validTo > first).toBe(true)
  }
}

describe.each(engines)('over %s', (_, engine) => {
  test('queries see rows as a list has them, committed or not', async () => {
    const asked = fc.tuple(keyOf, keyOf, keyOf, timeOf, timeOf).map(([from, to, key, a, b]) => {
      return { from, to, key, first: Math.min(a, b), last: Math.max(a, b) }
    })
    const puts = fc.array(put, { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        puts,
        puts,
        puts,
        asked,
        async (committed, prepared, uncommitted, question) => {
          const state = await open(engine, `0_${databases++}`)
          for (const each of committed) write(state, each)
          state.prepareCommit(() => {})
          await state.completeCommit([], [{ topic: 'in', partition: 0, offset: 7 }])
          for (const each of prepared) write(state, each)
          state.prepareCommit(() => {})
          for (const each of uncommitted) write(state, each)
          await check(state, 'readCommitted', committed, question)
          await check(
            state,
            'readUncommitted',
            [...committed, ...prepared, ...uncommitted],
            question,
          )
          await state.close()
        },
      ),
      { numRuns: 60 },
    )
  })

  test('what is not committed changes nothing of the history that is', async () => {
    const state = await open(engine, `0_${databases++}`)
    const put = (time: number, value: number | null): void =>
      write(state, { key: 'a', time, value })
    put(0, 1)
    put(900_000, 2)
    state.prepareCommit(() => {})
    await state.completeCommit([])
    // The first version now ends earlier, in another segment.
    put(300_000, 3)
    state.prepareCommit(() => {})
    put(900_000, null)
    const { versions } = readers(state, 'readCommitted')
    expect(versions.get('a', 500_000)).toEqual({ value: 1, timestamp: 0, validTo: 900_000 })
    expect((await list(versions.versions('a'))).map(({ value }) => value)).toEqual([1, 2])
    const { versions: all } = readers(state, 'readUncommitted')
    expect((await list(all.versions('a'))).map(({ value }) => value)).toEqual([1, 3])
    await state.close()
  })

  test('a store knows again how far in the inputs it goes', async () => {
    const taskId = `0_${databases++}`
    const first = await open(engine, taskId)
    expect(first.position).toEqual([])
    first.prepareCommit(() => {})
    await first.completeCommit([], [{ topic: 'in', partition: 3, offset: 7 }])
    // What was restored is older than what is known, or newer.
    first.knowPosition([
      { topic: 'in', partition: 3, offset: 6 },
      { topic: 'more', partition: 3, offset: 2 },
    ])
    const position = [
      { topic: 'in', partition: 3, offset: 7 },
      { topic: 'more', partition: 3, offset: 2 },
    ]
    expect(first.position).toEqual(position)
    first.prepareCommit(() => {})
    await first.completeCommit([], [{ topic: 'in', partition: 3, offset: 8 }])
    await first.close()
    const again = await open(engine, taskId)
    expect(again.position).toEqual([{ topic: 'in', partition: 3, offset: 8 }, position[1]])
    await again.close()
  })
})

test('who reads on from a task that was closed is told to ask again', async () => {
  const state = await open(levelEngine({ ...nodePlatform(), folder }), `0_${databases++}`)
  for (let at = 0; at < 3000; at++) {
    const table = state.store('table') as TimestampedKeyValueStore<string, number>
    table.put(`key-${at}`, at, at)
  }
  state.prepareCommit(() => {})
  await state.completeCommit([])
  const { table } = readers(state, 'readUncommitted')
  const rows = table.all()[Symbol.asyncIterator]()
  await rows.next()
  await state.close()
  const rest = async (): Promise<void> => {
    while ((await rows.next()).done !== true);
  }
  await expect(rest()).rejects.toMatchObject({ code: 'STORE_NOT_READY', retriable: true })
})
