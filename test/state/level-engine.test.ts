import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { ClassicLevel } from 'classic-level'
import { expect, onTestFinished, test, vi } from 'vitest'

import { nodePlatform } from '../../src/platform/node-platform.ts'
import { levelEngine } from '../../src/state/level-engine.ts'
import type { StoreEngine } from '../../src/state/store-engine.ts'
import { storeEngineContract } from './store-engine-contract.ts'

const newFolder = (): string => mkdtempSync(path.join(tmpdir(), 'millrace-level-'))

const newLevelEngine = (folder: string): StoreEngine => levelEngine({ ...nodePlatform(), folder })

storeEngineContract('LevelDB', () => {
  const folder = newFolder()
  return { engine: newLevelEngine(folder), remove: () => rmSync(folder, { recursive: true }) }
})

test('a database that is open elsewhere is refused with a sentence', async () => {
  const folder = newFolder()
  const database = await newLevelEngine(folder).open('0_0')
  await expect(newLevelEngine(folder).open('0_0')).rejects.toThrow(
    expect.objectContaining({
      code: 'FOLDER_LOCKED',
      message: expect.stringContaining(path.join(folder, '0_0')),
    }),
  )
  await database.close()
  rmSync(folder, { recursive: true })
})

test('a closed database says so', async () => {
  const folder = newFolder()
  const database = await newLevelEngine(folder).open('0_0')
  await database.close()
  expect(() => database.get(Buffer.from('a'))).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  rmSync(folder, { recursive: true })
})

test('a query that comes while the database closes does not cost it its seal', async () => {
  const folder = newFolder()
  const database = await newLevelEngine(folder).open('0_0')
  const query = vi.fn(() => database.entries({})[Symbol.asyncIterator]().next())
  const close = vi.spyOn(ClassicLevel.prototype, 'close')
  onTestFinished(() => close.mockRestore())
  close.mockImplementationOnce(async function (this: ClassicLevel) {
    close.mockRestore()
    await this.close()
    await expect(query()).rejects.toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })
  await database.seal()
  expect(query).toHaveBeenCalledTimes(1)
  const again = await newLevelEngine(folder).open('0_0')
  expect(again.sealed).toBe(true)
  await again.close()
  rmSync(folder, { recursive: true })
})

test('only an iteration under way holds an iterator of LevelDB, and with it a snapshot', async () => {
  const folder = newFolder()
  const database = await newLevelEngine(folder).open('0_0')
  await database.write(['a', 'b'].map(key => ({ key: Buffer.from(key), value: Buffer.from(key) })))
  const opened = vi.spyOn(ClassicLevel.prototype, 'iterator')
  onTestFinished(() => opened.mockRestore())
  database.entries({})
  await database.entries({})[Symbol.asyncIterator]().return?.()
  expect(opened).not.toHaveBeenCalled()
  for await (const [key] of database.entries({})) {
    expect(key.toString()).toBe('a')
    break
  }
  const [iterator] = opened.mock.results.map(({ value }): unknown => value)
  expect(opened).toHaveBeenCalledTimes(1)
  await expect(readFrom(iterator)).rejects.toThrow(
    expect.objectContaining({ code: 'LEVEL_ITERATOR_NOT_OPEN' }),
  )
  await database.close()
  rmSync(folder, { recursive: true })
})

const readFrom = async (iterator: unknown): Promise<unknown> => {
  const isIterator = (value: unknown): value is AsyncIterator<unknown> =>
    typeof value === 'object' && value !== null && 'next' in value
  if (!isIterator(iterator)) throw new Error('LevelDB was not asked')
  return iterator.next()
}
