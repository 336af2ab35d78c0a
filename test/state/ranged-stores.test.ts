import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import { KeyValueStore } from '../../src/state/key-value-store.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import { memoryEngine } from '../../src/state/memory-engine.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import { SessionRows } from '../../src/state/session-store.ts'
import type { StoreDefinition } from '../../src/state/store-definition.ts'
import type { StoreEngine } from '../../src/state/store-engine.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { WindowStore } from '../../src/state/window-store.ts'
import { FakeChangelog } from './fake-changelog.ts'

/**
 * Every kind of store that is read by ranges against a list of rows, over both engines, with commits, clean restarts and
 * restarts from the changelog alone in between. Keys are such that the bytes of one go on where those of another end.
 */
const retentionMs = 150_000
const segmentMs = 75_000
const serdes = { key: string(), value: long() }
const windowed = { ...serdes, retentionMs, windowSizeMs: 10, ordered: true }
const definitions: readonly StoreDefinition[] = [
  { kind: 'timestampedKeyValue', name: 'table', ordered: true, ...serdes, ...logged('table') },
  {
    kind: 'timestampedKeyValue',
    name: 'memory',
    inMemory: true,
    ordered: true,
    ...serdes,
    ...logged('memory'),
  },
  {
    kind: 'timestampedKeyValue',
    name: 'recent',
    inMemory: true,
    maxEntries: 3,
    ...serdes,
    ...logged('recent'),
  },
  { kind: 'timestampedWindow', name: 'windows', ...windowed, ...logged('windows') },
  { kind: 'timestampedWindow', name: 'final', timeIndex: true, ...windowed, ...logged('final') },
  {
    kind: 'timestampedWindow',
    name: 'memory-windows',
    inMemory: true,
    ...windowed,
    ...logged('memory-windows'),
  },
  {
    kind: 'timestampedWindow',
    name: 'joined',
    retainDuplicates: true,
    ...windowed,
    ...logged('joined'),
  },
  {
    kind: 'session',
    name: 'sessions',
    timeIndex: true,
    ...serdes,
    retentionMs,
    ...logged('sessions'),
  },
]

function logged(name: string): { changelogTopic: string } {
  return { changelogTopic: `app-${name}-changelog` }
}

const keys = ['a', 'b', 'a\0', 'a\0\0\0\0\0', 'ab', 'ÿ']
const key = fc.constantFrom(...keys)
const time = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 500_000 }))
const value = fc.option(fc.integer({ min: 0, max: 99 }), { freq: 4 })
const span = fc.tuple(time, time).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))

type Step =
  | { put: { key: string; value: number | null; time: number; end: number } }
  | { read: { key: string; to: string; span: { from: number; to: number }; reverse: boolean } }
  | { restart: 'commit' | 'close' | 'wipe' }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      put: fc
        .record({ key, value, time, length: fc.integer({ min: 0, max: 30 }) })
        .map(({ length, ...put }) => ({ ...put, end: put.time + length })),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ read: fc.record({ key, to: key, span, reverse: fc.boolean() }) }),
  },
  { weight: 2, arbitrary: fc.record({ restart: fc.constantFrom('commit', 'close', 'wipe') }) },
)

interface Row {
  readonly key: string
  readonly value: number
  readonly start: number
  readonly end: number
}

/** A store as a list of rows in the order of arrival. */
class Model {
  rows: Row[] = []
  observed = -1

  readonly definition: StoreDefinition

  constructor(definition: StoreDefinition) {
    this.definition = definition
  }

  put(key: string, value: number | null, start: number, end: number): void {
    const { definition } = this
    const duplicates = 'retainDuplicates' in definition && definition.retainDuplicates
    if (duplicates && value === null) return
    const at = definition.kind === 'session' ? end : start
    if ('retentionMs' in definition) {
      this.observed = Math.max(this.observed, at)
      const oldest = this.observed - retentionMs
      if (definition.inMemory === true ? at <= oldest : segment(at) < segment(oldest)) return
    }
    if (!duplicates)
      this.rows = this.rows.filter(
        row => !(row.key === key && row.start === start && row.end === end),
      )
    if (value !== null) this.rows.push({ key, value, start, end })
    if ('maxEntries' in definition) this.rows = this.rows.slice(-(definition.maxEntries ?? 0))
  }

  /** Kept rows that are not expired. */
  get visible(): Row[] {
    const { definition, observed } = this
    if (!('retentionMs' in definition)) return this.rows
    const oldest =
      observed -
      retentionMs +
      (definition.kind !== 'session' && definition.timeIndex === true ? 0 : 1)
    return this.rows.filter(
      ({ start, end }) => (definition.kind === 'session' ? end : start) >= oldest,
    )
  }
}

const segment = (at: number): number => Math.floor(at / segmentMs)
const text = (one: string): string => Buffer.from(one).toString('latin1')
const byKey = (a: Row, b: Row): number =>
  text(a.key) < text(b.key) ? -1 : text(a.key) > text(b.key) ? 1 : 0
/** As the bytes of key, time and sequence number lie in one string. */
const byBytes = (a: Row, b: Row): number => {
  const bytes = ({ key, start }: Row): string => text(key) + hexOf(start)
  return bytes(a) < bytes(b) ? -1 : bytes(a) > bytes(b) ? 1 : 0
}
function hexOf(time: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(time))
  return bytes.toString('latin1')
}
const ordered = (rows: readonly Row[], reverse: boolean): Row[] =>
  reverse ? rows.toReversed() : [...rows]

function expectReads(
  state: TaskState,
  model: Model,
  { read }: Extract<Step, { read: unknown }>,
): void {
  const { key, span, reverse } = read
  const [from = '', to = ''] = [key, read.to].sort((a, b) => (text(a) < text(b) ? -1 : 1))
  const store = state.rows(model.definition.name)
  const visible = model.visible
  const show = (rows: Iterable<{ key: unknown; value: unknown }>): unknown[] =>
    [...rows].map(({ key, value }) => [key, value])
  if (store instanceof KeyValueStore) {
    const inRange = visible
      .filter(row => text(row.key) >= text(from) && text(row.key) <= text(to))
      .sort(byKey)
    expect(show(store.rows({ from, to, reverse }))).toEqual(show(ordered(inRange, reverse)))
    const prefixed = visible.filter(row => row.key.startsWith(key)).sort(byKey)
    expect(show(store.rows({ prefix: Buffer.from(key) }))).toEqual(show(prefixed))
    expect(store.size).toBe(visible.length)
  } else if (store instanceof WindowStore) {
    const inSpan = visible.filter(({ start }) => start >= span.from && start <= span.to)
    const ofKey = inSpan.filter(row => row.key === key).sort((a, b) => a.start - b.start)
    expect(show(store.fetchRange(key, { ...span, reverse }))).toEqual(show(ordered(ofKey, reverse)))
    const inMemory = model.definition.inMemory === true
    const bySegment = (a: Row, b: Row): number =>
      inMemory
        ? a.start - b.start || byKey(a, b)
        : segment(a.start) - segment(b.start) || byBytes(a, b)
    const rows = show(ordered(inSpan.sort(bySegment), reverse))
    // Between keys of several lengths the sequence numbers have a say, which the model does not know.
    const duplicates = 'retainDuplicates' in model.definition
    if (duplicates) expect(new Set(show(store.rows(span)))).toEqual(new Set(rows))
    else expect(show(store.rows({ ...span, reverse }))).toEqual(rows)
    if (model.definition.kind === 'timestampedWindow' && model.definition.timeIndex === true) {
      const byStart = inSpan.sort((a, b) => a.start - b.start || byKey(a, b))
      expect(show(store.rowsByTime(span))).toEqual(show(byStart))
    }
    const single = visible.findLast(row => row.key === key && row.start === span.from)
    if (!duplicates) expect(store.fetch(key, span.from)?.value).toBe(single?.value)
  } else if (store instanceof SessionRows) {
    const found = visible
      .filter(row => row.key === key && row.end >= span.from && row.start <= span.to)
      .sort((a, b) => a.end - b.end || a.start - b.start)
    const range = { earliestEnd: span.from, latestStart: span.to, reverse }
    expect(show(store.findSessions(key, range))).toEqual(show(ordered(found, reverse)))
    const ending = visible
      .filter(({ end }) => end >= span.from && end <= span.to)
      .sort((a, b) => a.end - b.end || a.start - b.start || byKey(a, b))
    const shown = [...store.rowsByTime(span)].filter(
      ({ end }) => end > model.observed - retentionMs,
    )
    expect(show(shown)).toEqual(show(ending))
  }
}

async function check(engine: StoreEngine, steps: readonly Step[]): Promise<void> {
  const changelog = new FakeChangelog()
  const models = definitions.map(definition => new Model(definition))
  const open = async (): Promise<TaskState> => {
    const state = await openTaskState({
      engine,
      taskId: '0_0',
      stores: definitions,
      bootId: 'boot',
      logger: silentLogger,
    })
    for (const { name, changelogTopic: topic } of definitions) {
      if (topic === null) continue
      const from = state.checkpoint({ topic, partition: 0 }) ?? 0
      if (from < changelog.records(topic).length)
        await state.restore(name, changelog.fetch(topic, 0, from))
    }
    return state
  }
  const commit = async (state: TaskState): Promise<void> => {
    state.prepareCommit(changelog.write)
    await state.completeCommit(changelog.ends(0))
  }
  let state = await open()
  for (const each of steps) {
    if ('put' in each) {
      const { key, value, time, end } = each.put
      for (const model of models) {
        const store = state.rows(model.definition.name)
        if (store instanceof SessionRows) {
          store.put(key, value, time, end, time)
          model.put(key, value, time, end)
        } else if (store instanceof WindowStore) {
          store.put(key, value, time, time)
          model.put(key, value, time, time)
        } else if (store instanceof KeyValueStore) {
          store.put(key, value, time)
          model.put(key, value, 0, 0)
        }
      }
    } else if ('read' in each) for (const model of models) expectReads(state, model, each)
    else {
      await commit(state)
      if (each.restart === 'close') await state.close()
      if (each.restart === 'wipe') await state.wipe()
      if (each.restart !== 'commit') state = await open()
    }
  }
  await state.wipe()
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-ranged-stores-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('stores that are read by ranges', () => {
  test('are as a list of rows says, in memory', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), steps =>
      check(memoryEngine(), steps),
    )
    await fc.assert(property, { numRuns: 1500 })
  })

  test('and on LevelDB', async () => {
    const engine = levelEngine({ ...nodePlatform(), folder })
    const property = fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), steps =>
      check(engine, steps),
    )
    await fc.assert(property, { numRuns: 40 })
  })
})
