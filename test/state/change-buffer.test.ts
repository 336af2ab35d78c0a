import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { silentLogger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import { readBuffered, readPrior, writeBuffered } from '../../src/state/buffered-bytes.ts'
import { type BufferedChange, ChangeBuffer } from '../../src/state/change-buffer.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import { memoryEngine } from '../../src/state/memory-engine.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { ChangeBufferDefinition } from '../../src/state/store-definition.ts'
import type { StoreEngine } from '../../src/state/store-engine.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { FakeChangelog } from './fake-changelog.ts'

const topic = 'app-buffer-changelog'
const definition: ChangeBufferDefinition = {
  kind: 'changeBuffer',
  name: 'buffer',
  key: string(),
  value: long(),
  changelogTopic: topic,
}

const bytes = fc
  .uint8Array({ maxLength: 3 })
  .map(array => Buffer.from(array.buffer, 0, array.length))
const header = fc.record({ key: fc.string({ maxLength: 3 }), value: fc.option(bytes) })
const metadata = fc.option(
  fc.record({
    topic: fc.string({ maxLength: 3 }),
    partition: fc.nat(),
    offset: fc.maxSafeNat(),
  }),
)

test('what is written is read', () => {
  const buffered = fc.record({
    priorValue: fc.option(bytes),
    oldValue: fc.option(bytes),
    newValue: fc.option(bytes),
    headers: fc.array(header, { maxLength: 3 }),
    metadata,
  })
  fc.assert(
    fc.property(buffered, each => {
      const written = writeBuffered(each)
      expect(readBuffered(written)).toEqual(each)
      expect(readPrior(written)).toEqual(each.priorValue)
    }),
  )
})

interface Waiting extends BufferedChange {
  readonly key: string
  readonly time: number
  readonly priorValue: unknown
}

/** A list that is sorted again with each change. */
class Model {
  waiting: readonly Waiting[] = []

  put(time: number, change: BufferedChange & { key: string }): void {
    const before = this.waiting.find(({ key }) => key === change.key)
    const others = this.waiting.filter(({ key }) => key !== change.key)
    const { time: itsTime, priorValue } = before ?? { time, priorValue: change.oldValue }
    this.waiting = [...others, { ...change, time: itsTime, priorValue }].sort(byTimeAndKey)
  }

  get sizeBytes(): number {
    const valueBytes = (value: unknown): number => (value === null ? 0 : 8)
    const sizes = this.waiting.map(each => {
      const { key, priorValue, oldValue, newValue } = each
      let size = 28 + key.length + (each.metadata?.topic.length ?? 0)
      size += valueBytes(priorValue) + valueBytes(newValue)
      if (oldValue !== priorValue) size += valueBytes(oldValue)
      for (const { key: name, value } of each.headers) size += name.length + (value?.length ?? 0)
      return size
    })
    return sizes.reduce((sum, size) => sum + size, 0)
  }
}

function byTimeAndKey(one: Waiting, two: Waiting): number {
  return one.time - two.time || Buffer.compare(Buffer.from(one.key), Buffer.from(two.key))
}

const key = fc.constantFrom('a', 'a\0', 'ab', 'b')
const value = fc.option(fc.integer({ min: 0, max: 3 }), { freq: 3 })
const change = fc.record({
  key,
  newValue: value,
  oldValue: value,
  timestamp: fc.nat({ max: 50 }),
  headers: fc.array(header, { maxLength: 2 }),
  metadata,
})
const time = fc.oneof(
  { weight: 9, arbitrary: fc.nat({ max: 9 }) },
  { weight: 1, arbitrary: fc.constant(Number.MAX_SAFE_INTEGER) },
)
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ put: fc.tuple(time, change) }) },
  { weight: 4, arbitrary: fc.constant({ remove: true }) },
  { weight: 1, arbitrary: fc.record({ restart: fc.constantFrom('commit', 'close', 'wipe') }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function check(engine: StoreEngine, steps: readonly Step[]): Promise<void> {
  const changelog = new FakeChangelog()
  const model = new Model()
  const open = async (): Promise<TaskState> => {
    const options = { engine, taskId: '0_0', stores: [definition], bootId: 'boot' }
    const state = await openTaskState({ ...options, logger: silentLogger })
    const from = state.checkpoint({ topic, partition: 0 }) ?? 0
    if (from < changelog.records(topic).length) {
      await state.restore(definition.name, changelog.fetch(topic, 0, from))
    }
    return state
  }
  let state = await open()
  const buffer = (): ChangeBuffer => {
    const rows = state.rows(definition.name)
    if (!(rows instanceof ChangeBuffer)) throw new Error('no buffer')
    return rows
  }
  for (const each of steps) {
    if ('put' in each) {
      model.put(...each.put)
      buffer().put(...each.put)
    } else if ('remove' in each) {
      if (model.waiting.length > 0) {
        model.waiting = model.waiting.slice(1)
        buffer().removeFirst()
      }
    } else {
      state.prepareCommit(changelog.write)
      await state.completeCommit(changelog.ends(0))
      if (each.restart === 'close') await state.close()
      if (each.restart === 'wipe') await state.wipe()
      if (each.restart !== 'commit') state = await open()
    }
    expect(buffer().size).toBe(model.waiting.length)
    expect(buffer().minTime).toBe(model.waiting[0]?.time ?? Infinity)
    expect(buffer().sizeBytes).toBe(model.sizeBytes)
    for (const one of ['a', 'a\0', 'ab', 'b']) {
      const expected = model.waiting.find(({ key }) => key === one)
      expect(buffer().priorValue(one)).toBe(expected?.priorValue)
    }
    if (model.waiting[0] !== undefined) {
      const { time: _, priorValue: __, ...first } = model.waiting[0]
      expect(buffer().first()).toEqual(first)
    }
  }
  await state.wipe()
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-buffer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const steps = fc.array(step, { maxLength: 60, size: 'max' })

describe('changes that wait', () => {
  test('are those of a sorted list, over memory', async () => {
    await fc.assert(
      fc.asyncProperty(steps, each => check(memoryEngine(), each)),
      { numRuns: 300 },
    )
  })

  test('are those of a sorted list, over LevelDB', async () => {
    const engine = levelEngine({ ...nodePlatform(), folder })
    await fc.assert(
      fc.asyncProperty(steps, each => check(engine, each)),
      { numRuns: 30 },
    )
  })
})
