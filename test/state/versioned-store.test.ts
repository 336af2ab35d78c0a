import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import { memoryEngine } from '../../src/state/memory-engine.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { VersionedDefinition } from '../../src/state/store-definition.ts'
import type { StoreEngine } from '../../src/state/store-engine.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { VersionedStore } from '../../src/state/versioned-store.ts'
import { FakeChangelog } from './fake-changelog.ts'

const historyRetentionMs = 130_000
const topic = 'app-versions-changelog'
const definition: VersionedDefinition = {
  kind: 'versionedKeyValue',
  name: 'versions',
  key: string(),
  value: long(),
  historyRetentionMs,
  changelogTopic: topic,
}

/** All that was ever put, by key, in the order of time. */
class Model {
  readonly #versions = new Map<string, { timestamp: number; value: number | null }[]>()
  #observed = -1
  refused = 0

  put(key: string, value: number | null, timestamp: number): number | null {
    if (timestamp < this.#observed - historyRetentionMs) {
      this.refused++
      return null
    }
    this.#observed = Math.max(this.#observed, timestamp)
    const others = this.#of(key).filter(version => version.timestamp !== timestamp)
    const latest = this.#of(key).at(-1)
    const isUndone = value === null && latest?.timestamp === timestamp && latest.value !== null
    // A row that is deleted as of its own time, without a row before it, has never been.
    if (isUndone && (others.at(-1)?.value ?? null) === null) {
      this.#versions.set(key, others)
      return Infinity
    }
    const versions = [...others, { timestamp, value }].sort((a, b) => a.timestamp - b.timestamp)
    this.#versions.set(key, versions)
    return versions.find(version => version.timestamp > timestamp)?.timestamp ?? Infinity
  }

  get(key: string, asOf = Infinity): { value: number; timestamp: number } | undefined {
    const latest = this.#of(key).at(-1)
    const at = this.#of(key).findLast(({ timestamp }) => timestamp <= asOf)
    if (at === undefined || at.value === null) return undefined
    if (asOf < this.#observed - historyRetentionMs && at !== latest) return undefined
    return { value: at.value, timestamp: at.timestamp }
  }

  /** Those of which some moment can still be asked for. */
  versions(key: string): { value: number; timestamp: number }[] {
    return this.#of(key).flatMap(({ value, timestamp }, index, all) => {
      const validTo = all[index + 1]?.timestamp ?? Infinity
      if (value === null || validTo <= this.#observed - historyRetentionMs) return []
      return [{ value, timestamp }]
    })
  }

  #of(key: string): { timestamp: number; value: number | null }[] {
    return this.#versions.get(key) ?? []
  }
}

const key = fc.constantFrom('a', 'a\0', 'b')
const time = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 600_000 }))
const step = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      put: fc.record({ key, value: fc.option(fc.integer({ min: 0, max: 99 }), { freq: 4 }), time }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ get: fc.record({ key, time }) }) },
  { weight: 1, arbitrary: fc.record({ restart: fc.constantFrom('commit', 'close', 'wipe') }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function check(
  engine: StoreEngine,
  steps: readonly Step[],
  stored: VersionedDefinition,
): Promise<void> {
  const changelog = new FakeChangelog()
  const model = new Model()
  const open = async (): Promise<TaskState> => {
    const options = { engine, taskId: '0_0', stores: [stored], bootId: 'boot' }
    const state = await openTaskState({ ...options, logger: silentLogger })
    const from = state.checkpoint({ topic, partition: 0 }) ?? 0
    if (from < changelog.records(topic).length) {
      await state.restore(stored.name, changelog.fetch(topic, 0, from))
    }
    return state
  }
  let state = await open()
  const store = (): VersionedStore => {
    const rows = state.rows(stored.name)
    if (!(rows instanceof VersionedStore)) throw new Error('no versioned store')
    return rows
  }
  for (const each of steps) {
    if ('put' in each) {
      const { key, value, time } = each.put
      expect(store().put(key, value, time)).toBe(model.put(key, value, time))
    } else if ('get' in each) {
      const { key, time } = each.get
      const shown = store().get(key, time)
      const expected = model.get(key, time)
      expect(shown && [shown.value, shown.timestamp]).toEqual(
        expected && [expected.value, expected.timestamp],
      )
    } else {
      state.prepareCommit(changelog.write)
      await state.completeCommit(changelog.ends(0))
      if (each.restart === 'close') await state.close()
      if (each.restart === 'wipe') await state.wipe()
      if (each.restart !== 'commit') state = await open()
    }
    for (const one of ['a', 'a\0', 'b']) {
      expect(store().get(one)?.value).toBe(model.get(one)?.value)
      const versions = [...store().versions(one)]
      expect(versions.map(({ value, timestamp }) => ({ value, timestamp }))).toEqual(
        model.versions(one),
      )
    }
  }
  await state.wipe()
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-versions-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const steps = fc.array(step, { maxLength: 60, size: 'max' })

describe('a versioned store', () => {
  test('shows what was valid at a time, in memory', async () => {
    const property = fc.asyncProperty(steps, each => check(memoryEngine(), each, definition))
    await fc.assert(property, { numRuns: 1000 })
  })

  test('and if its rows are in memory alone', async () => {
    const inMemory = { ...definition, inMemory: true }
    const property = fc.asyncProperty(steps, each => check(memoryEngine(), each, inMemory))
    await fc.assert(property, { numRuns: 300 })
  })

  test('and on LevelDB', async () => {
    const engine = levelEngine({ ...nodePlatform(), folder })
    const property = fc.asyncProperty(steps, each => check(engine, each, definition))
    await fc.assert(property, { numRuns: 40 })
  })
})
