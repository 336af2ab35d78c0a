import { expect, test } from 'vitest'

import { MillraceError } from '../../src/errors.ts'
import type { Logger } from '../../src/logger.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import type { StoreDefinition } from '../../src/state/store-definition.ts'
import { openTaskState } from '../../src/state/open-task-state.ts'
import type { TaskState } from '../../src/state/task-state.ts'
import { FaultyEngine } from './faulty-engine.ts'

const counts: StoreDefinition = {
  kind: 'timestampedKeyValue',
  name: 'counts',
  key: string(),
  value: long(),
  changelogTopic: null,
}

const warnings: string[] = []
const logger: Logger = {
  debug() {},
  info() {},
  warn: (_fields, message) => void warnings.push(message),
  error() {},
}

const open = (engine: FaultyEngine, store = counts): Promise<TaskState> =>
  openTaskState({ engine, taskId: '0_3', stores: [store], bootId: 'boot', logger })

/** Has the named operations fail, each time. */
function failing(...operations: readonly string[]): FaultyEngine {
  const engine = new FaultyEngine()
  engine.fault = operation => {
    if (operations.includes(operation)) {
      throw new MillraceError('FILE_ERROR', `No ${operation} today.`)
    }
  }
  return engine
}

test.each(['scan', 'write'])(
  'when the first %s fails the database is not left open',
  async operation => {
    const engine = failing(operation)
    await expect(open(engine)).rejects.toThrow(`No ${operation} today.`)
    engine.fault = () => {}
    await (await open(engine)).close()
  },
)

test('nor is it when a store cannot be', async () => {
  const engine = new FaultyEngine()
  await expect(open(engine, { ...counts, name: 'x'.repeat(256) })).rejects.toThrow('256 bytes')
  await (await open(engine)).close()
})

test('what went wrong is not hidden by a failing close, and that is told too', async () => {
  warnings.length = 0
  await expect(open(failing('write', 'close'))).rejects.toThrow('No write today.')
  expect(warnings).toEqual([expect.stringMatching(/0_3.*could not be closed/)])
})

test('damage that the first write meets is wiped', async () => {
  warnings.length = 0
  const engine = new FaultyEngine()
  const state = await open(engine)
  await state.completeCommit([{ topic: 'app-counts-changelog', partition: 3, offset: 7 }])
  await state.close()
  engine.fault = operation => {
    if (operation !== 'write') return
    engine.fault = () => {}
    throw new MillraceError('CORRUPT_DATA', 'A block is damaged.')
  }
  const opened = await open(engine)
  expect(opened.checkpoint({ topic: 'app-counts-changelog', partition: 3 })).toBeUndefined()
  expect(warnings).toEqual([expect.stringContaining('A block is damaged.')])
  await opened.close()
})
