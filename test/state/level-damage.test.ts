/**
 * Real LevelDB folders, damaged while nobody has them open: after a clean close, and as `kill -9` leaves them (a copy made
 * while the database is open is just that). Whatever happens to whatever file, the stores end with the right rows, because
 * the damage is found and everything restored, or because it took nothing but the last writes, which are restored.
 */
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import type { Logger } from '../../src/logger.ts'
import { nodePlatform } from '../../src/platform/node-platform.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import { KeyValueStore } from '../../src/state/key-value-store.ts'
import { keyValueReader } from '../../src/state/readers/key-value-reader.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import type { StoreDefinition } from '../../src/state/store-definition.ts'
import type { StoreDatabase, StoreEngine } from '../../src/state/store-engine.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { FakeChangelog } from './fake-changelog.ts'

const topic = 'app-counts-changelog'
const counts: StoreDefinition = {
  kind: 'timestampedKeyValue',
  name: 'counts',
  key: string(),
  value: long(),
  changelogTopic: topic,
}
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-damage-'))
const changelog = new FakeChangelog()
let expected: unknown[] = []

/** Why databases were wiped. */
const reasons: string[] = []
const logger: Logger = {
  debug() {},
  info() {},
  warn: (_fields, message) => void reasons.push(message),
  error() {},
}

const openAt = (engine: StoreEngine): Promise<TaskState> =>
  openTaskState({ engine, taskId: '0_0', stores: [counts], bootId: 'boot', logger })

const engineAt = (name: string): StoreEngine =>
  levelEngine({ ...nodePlatform(), folder: path.join(folder, name) })

function countsOf(state: TaskState): KeyValueStore {
  const store = state.rows('counts')
  if (!(store instanceof KeyValueStore)) throw new Error('no key-value store')
  return store
}

/** Overwrites, adds and deletes some hundred rows: about half a block of LevelDB's log. */
async function commitRows(state: TaskState, round: number): Promise<void> {
  for (let i = 0; i < 400; i++) {
    const key = `key-${(round * 211 + i * 7) % 2000}`
    countsOf(state).put(key, i % 10 === 0 ? null : round * 1_000_003 + i, round)
  }
  state.prepareCommit(changelog.write)
  await state.completeCommit([{ topic, partition: 0, offset: changelog.records(topic).length }])
}

/** Two sessions with tables of each, and seven writes in the log at the moment of the kill. */
beforeAll(async () => {
  const engine = engineAt('original')
  let database: StoreDatabase | undefined
  const spied: StoreEngine = {
    destroy: name => engine.destroy(name),
    open: async name => (database = await engine.open(name)),
  }
  const first = await openAt(spied)
  for (let round = 0; round < 3; round++) await commitRows(first, round)
  await first.close()
  cpSync(path.join(folder, 'original'), path.join(folder, 'earlier'), { recursive: true })
  const second = await openAt(spied)
  for (let round = 3; round < 6; round++) await commitRows(second, round)
  await database?.sync()
  for (let round = 6; round < 13; round++) await commitRows(second, round)
  expected = await contents(second)
  cpSync(path.join(folder, 'original'), path.join(folder, 'killed'), { recursive: true })
  await second.close()
  cpSync(path.join(folder, 'original'), path.join(folder, 'closed'), { recursive: true })
})

afterAll(() => rmSync(folder, { recursive: true }))

async function contents(state: TaskState): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const row of allOf(countsOf(state))) rows.push(row)
  return rows
}

let copies = 0

/** Opens a damaged copy, restores what is missing, and expects the right rows. Says what was done to get there. */
async function recover(image: string, damage: (folder: string) => void): Promise<string> {
  const name = `damaged-${copies++}`
  const copy = path.join(folder, name)
  cpSync(path.join(folder, image), copy, { recursive: true })
  damage(path.join(copy, '0_0'))
  reasons.length = 0
  const state = await openAt(engineAt(name))
  const end = changelog.records(topic).length
  const from = state.checkpoint({ topic, partition: 0 }) ?? 0
  if (from < end) await state.restore('counts', changelog.fetch(topic, 0, from))
  expect(await contents(state)).toEqual(expected)
  await state.wipe()
  if (reasons.length > 0) {
    expect(from).toBe(0)
    return 'wiped'
  }
  return from < end ? 'lost the end' : 'kept'
}

const dataFiles = (image: string): string[] =>
  readdirSync(path.join(folder, image, '0_0')).filter(name => !/^LO(?:CK|G)/.test(name))

/** Every way to damage one file of some size, a dozen of them. */
function* damagesOf(image: string, name: string): Iterable<[string, (folder: string) => void]> {
  const { length } = readFileSync(path.join(folder, image, '0_0', name))
  const edit = (change: (bytes: Buffer) => Buffer) => (at: string) => {
    writeFileSync(path.join(at, name), change(readFileSync(path.join(at, name))))
  }
  for (const fraction of length > 0 ? [0, 0.17, 0.33, 0.5, 0.67, 0.83, 1] : []) {
    const position = Math.floor((length - 1) * fraction)
    const flip = (bytes: Buffer): Buffer => {
      bytes.writeUInt8(bytes.readUInt8(position) ^ 0x10, position)
      return bytes
    }
    yield [`bit at ${position}`, edit(flip)]
  }
  for (const fraction of length > 0 ? [0, 0.6, 1 - 1 / length] : []) {
    const size = Math.floor(length * fraction)
    yield [`cut at ${size}`, edit(bytes => bytes.subarray(0, size))]
  }
  for (const fraction of length > 8192 ? [0.7] : []) {
    const from = Math.floor(length * fraction)
    yield [`zeros at ${from}`, edit(bytes => bytes.fill(0, from, from + 4096))]
  }
  yield ['garbage behind', at => appendFileSync(path.join(at, name), 'garbage')]
  yield ['deleted', at => rmSync(path.join(at, name))]
}

describe('whatever happens to a file', () => {
  test('a database that was closed in order is wiped, restored and right', async () => {
    for (const name of dataFiles('closed')) {
      for (const [what, damage] of damagesOf('closed', name)) {
        const outcome = await recover('closed', damage)
        // Without a seal it is treated as after a kill, and is whole.
        const allowed = name === 'SEAL' && what === 'deleted' ? 'kept' : 'wiped'
        expect([name, what, outcome]).toEqual([name, what, allowed])
      }
    }
  })

  test('a database whose process was killed is right, wiped or not', async () => {
    const tally = new Map<string, number>()
    const found = new Set<string>()
    for (const name of dataFiles('killed')) {
      for (const [what, damage] of damagesOf('killed', name)) {
        const outcome = `${path.extname(name)} ${await recover('killed', damage)}`
        tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
        for (const reason of reasons) found.add(reason.replaceAll(/\d+\.ldb|\/\S+/g, '…'))
        if (name.endsWith('.ldb') && what !== 'garbage behind') {
          expect([name, what, outcome]).toEqual([name, what, '.ldb wiped'])
        }
      }
    }
    // Both ways of losing a part of the log were met: the end of it, and a stretch before the end.
    expect(tally.get('.log lost the end')).toBeGreaterThan(0)
    expect([...found].join('\n')).toMatch(/some of its writes are missing/)
  })

  test('undamaged, both are kept', async () => {
    expect(await recover('closed', () => {})).toBe('kept')
    expect(await recover('killed', () => {})).toBe('kept')
  })
})

test.each(['closed', 'killed'])('files of another time in a %s database are found', async image => {
  const earlier = path.join(folder, 'earlier', '0_0')
  for (const name of dataFiles('earlier')) {
    await recover(image, at => cpSync(path.join(earlier, name), path.join(at, name)))
  }
  const tables = dataFiles(image).filter(name => name.endsWith('.ldb'))
  for (const [i, name] of tables.entries()) {
    const other = tables[(i + 1) % tables.length] ?? name
    await recover(image, at => cpSync(path.join(folder, image, '0_0', other), path.join(at, name)))
  }
})

test('an unfinished table of a killed compaction does not count as damage', async () => {
  const table = dataFiles('killed').find(name => name.endsWith('.ldb')) ?? ''
  const half = readFileSync(path.join(folder, 'killed', '0_0', table)).subarray(0, 5000)
  expect(await recover('killed', at => writeFileSync(path.join(at, '000099.ldb'), half))).toBe(
    'kept',
  )
})

test('damage in a database that another process has open is not repaired under its feet', async () => {
  const open = await openAt(engineAt('held'))
  await commitRows(open, 1)
  rmSync(path.join(folder, 'held', '0_0', 'CURRENT'))
  await expect(openAt(engineAt('held'))).rejects.toThrow(
    expect.objectContaining({ code: 'FOLDER_LOCKED' }),
  )
  expect(readdirSync(path.join(folder, 'held', '0_0')).some(name => name.endsWith('.log'))).toBe(
    true,
  )
  await open.close().catch(() => {})
})

const allOf = (store: KeyValueStore): ReturnType<ReturnType<typeof keyValueReader>['all']> =>
  keyValueReader(store, store.table).all()
