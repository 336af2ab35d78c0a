import { expect, test } from 'vitest'
import type { Platform } from '../../src/platform/platform.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { makeDurableFolder } from '../../src/platform/make-durable-folder.ts'
import { loadProcessId } from '../../src/runtime/process-id.ts'

test.each([1, 2, 3, 4, 5, 6])('the process id survives a power loss, seed %i', async seed => {
  const simulation = simulate({ seed })
  const machine = simulation.machine('app')
  const load = async (platform: Platform): Promise<string> => {
    await makeDurableFolder(platform.files, '/apps/state')
    return loadProcessId('/apps/state', platform)
  }
  const first = await simulation.run(load(machine.platform))
  machine.crash()
  const second = await simulation.run(load(machine.restart()))
  expect(second).toBe(first)
  expect(first).toMatch(/^[0-9a-f]{32}$/)
})

test('a damaged process file is refused by name', async () => {
  const simulation = simulate({ seed: 1 })
  const { platform } = simulation.machine('app')
  platform.files.makeFolder('/state')
  await simulation.run(platform.files.replace('/state/process.json', Buffer.from('{"process')))
  await expect(simulation.run(loadProcessId('/state', platform))).rejects.toMatchObject({
    code: 'CORRUPT_DATA',
    message: expect.stringContaining('/state/process.json'),
  })
})
