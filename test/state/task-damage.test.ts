/**
 * Damage that a database reports while it is at work is damage of the task, whatever the task was doing: TASK_CORRUPTED
 * is what has its stores rebuilt, where CORRUPT_DATA would end the application.
 */
import { describe, expect, test } from 'vitest'

import { MillraceError } from '../../src/errors.ts'
import { silentLogger } from '../../src/logger.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import type { StoreDefinition } from '../../src/state/store-definition.ts'
import type { StoreDatabase, StoreEngine } from '../../src/state/store-engine.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { WindowStore } from '../../src/state/window-store.ts'
import { writeSlots } from '../../src/state/write-numbers.ts'
import { FakeChangelog } from './fake-changelog.ts'
import { FaultyEngine } from './faulty-engine.ts'

const topic = 'app-windows-changelog'
const windows: StoreDefinition = {
  kind: 'timestampedWindow',
  name: 'windows',
  key: string(),
  value: long(),
  retentionMs: 200_000,
  windowSizeMs: 10_000,
  changelogTopic: topic,
}

const open = (engine: StoreEngine): Promise<TaskState> =>
  openTaskState({ engine, taskId: '0_3', stores: [windows], bootId: 'boot', logger: silentLogger })

function windowsOf(state: TaskState): WindowStore {
  const store = state.rows('windows')
  if (!(store instanceof WindowStore)) throw new Error('no window store')
  return store
}

const changelog = new FakeChangelog()

async function commit(state: TaskState): Promise<void> {
  state.prepareCommit(changelog.write)
  await state.completeCommit([])
}

/** A state with a row that the next commit finds expired. */
async function withExpiredRow(engine: StoreEngine): Promise<TaskState> {
  const state = await open(engine)
  windowsOf(state).put('a', 1, 0, 1)
  await commit(state)
  windowsOf(state).put('b', 2, 1_000_000, 2)
  return state
}

/** Has all operations of a kind find the database damaged, from now on. */
function damage(engine: FaultyEngine, damaged: string): void {
  engine.fault = operation => {
    if (operation === damaged) throw new MillraceError('CORRUPT_DATA', 'A block is damaged.')
  }
}

const corrupted = expect.objectContaining({
  code: 'TASK_CORRUPTED',
  message: expect.stringContaining('0_3'),
})

describe('damage of a task is found', () => {
  test('by the search for expired rows', async () => {
    const engine = new FaultyEngine()
    const state = await withExpiredRow(engine)
    damage(engine, 'scan')
    await expect(commit(state)).rejects.toThrow(corrupted)
  })

  test('in a row that has expired', async () => {
    let database: StoreDatabase | undefined
    const faulty = new FaultyEngine()
    const state = await withExpiredRow({
      open: async name => (database = await faulty.open(name)),
      destroy: name => faulty.destroy(name),
    })
    const { range } = windowsOf(state).table
    for await (const [key, row] of database?.entries(range) ?? []) {
      // The key is that of a row that nobody ever wrote.
      const wrong = Buffer.from(key)
      wrong.writeUInt8(wrong.readUInt8(wrong.length - 1) ^ 1, wrong.length - 1)
      await database?.write([{ key: wrong, value: row }])
    }
    await expect(commit(state)).rejects.toThrow(corrupted)
  })

  test('by the write of a commit', async () => {
    const engine = new FaultyEngine()
    const state = await withExpiredRow(engine)
    damage(engine, 'write')
    await expect(commit(state)).rejects.toThrow(corrupted)
  })

  test('by a write while the stores are restored', async () => {
    const engine = new FaultyEngine()
    const state = await open(engine)
    changelog.write(topic, Buffer.from('a'.padEnd(13, '\0')), long().serialize(1), 1)
    damage(engine, 'write')
    await expect(state.restore('windows', changelog.fetch(topic, 3, 0))).rejects.toThrow(corrupted)
  })

  test('when what was written is made durable', async () => {
    const engine = new FaultyEngine()
    const state = await open(engine)
    damage(engine, 'sync')
    const commits = async (): Promise<void> => {
      for (let i = 0; i < writeSlots; i++) {
        windowsOf(state).put('a', i, i, i)
        await commit(state)
      }
    }
    await expect(commits()).rejects.toThrow(corrupted)
  })
})

test('a write that fails for lack of space is no damage', async () => {
  const engine = new FaultyEngine()
  const state = await withExpiredRow(engine)
  engine.fault = () => {
    throw new MillraceError('FILE_ERROR', 'No space left on device.')
  }
  await expect(commit(state)).rejects.toThrow(expect.objectContaining({ code: 'FILE_ERROR' }))
})
