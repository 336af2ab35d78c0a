import { expect, test } from 'vitest'
import { makeDurableFolder } from '../../src/platform/make-durable-folder.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'

test('power loss takes neither the folder nor any of its parents, whatever the seed', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const simulation = simulate({ seed })
    const machine = simulation.machine('host')
    const { files } = machine.platform
    const path = '/a/b/c/data'
    await simulation.run(
      (async () => {
        await makeDurableFolder(files, path)
        const file = files.open(`${path}/file`, { create: true })
        await file.sync()
        await files.syncFolder(path)
      })(),
    )
    machine.crash()
    expect(machine.restart().files.list(path), `seed ${seed}`).toEqual(['file'])
  }
})

test('a process that ends between making and syncing leaves no gap', async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const simulation = simulate({ seed })
    const machine = simulation.machine('host')
    machine.platform.files.makeFolder('/data')
    machine.kill()
    const { files } = machine.restart()
    await simulation.run(makeDurableFolder(files, '/data'))
    files.makeFolder('/data/inner')
    await simulation.run(files.syncFolder('/data'))
    machine.crash()
    expect(machine.restart().files.list('/data'), `seed ${seed}`).toEqual(['inner'])
  }
})
