import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, test } from 'vitest'

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
