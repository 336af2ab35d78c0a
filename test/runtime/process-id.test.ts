import { expect, test } from 'vitest'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { loadProcessId } from '../../src/runtime/process-id.ts'

test('the process id is made once and survives a crash', async () => {
  const simulation = simulate({ seed: 1 })
  const machine = simulation.machine('app')
  machine.platform.files.makeFolder('/state')
  await simulation.run(machine.platform.files.syncFolder('/'))
  const first = await simulation.run(loadProcessId('/state', machine.platform))
  machine.crash()
  const second = await simulation.run(loadProcessId('/state', machine.restart()))
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
