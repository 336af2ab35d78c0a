import { expect, test } from 'vitest'
import { defineApp } from '../../src/dsl/define-app.ts'
import { silentLogger } from '../../src/logger.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { startApplication } from '../../src/runtime/application.ts'
import { cleanUp } from '../../src/runtime/clean-up.ts'
import { pause } from '../../src/runtime/pause.ts'
import { StateDirectory } from '../../src/runtime/state-directory.ts'
import { string } from '../../src/serde/string.ts'
import { memoryEngine } from '../../src/state/memory-engine.ts'
import { planPartitions, type PlannedTask } from '../../src/runtime/partition-plan.ts'
import { simulatedLog } from './simulated-log.ts'
import { produce, record } from './testbed.ts'

const text = { key: string(), value: string() }
const app = defineApp('app', builder => {
  builder.stream('in', text).groupByKey().count({ store: 'counts' })
})

const stateCleanupDelayMs = 600_000

function world(): {
  directory: () => StateDirectory
  task: (id: string) => PlannedTask
  destroyed: string[]
  folder: (id: string) => void
  run: <T>(work: Promise<T>) => Promise<T>
  pass: (ms: number) => Promise<void>
} {
  const simulation = simulate({ seed: 1 })
  const { platform } = simulation.machine('app')
  const { tasks } = planPartitions(app.compile(), new Map([['in', 3]]))
  const engine = memoryEngine()
  const destroyed: string[] = []
  const options = {
    engine: {
      ...engine,
      async destroy(name: string) {
        destroyed.push(name)
        platform.files.remove(`/state/tasks/${name}`)
        await engine.destroy(name)
      },
    },
    platform,
    stateFolder: '/state',
    stateCleanupDelayMs,
    logger: silentLogger,
    failed: (error: unknown) => {
      throw error
    },
  }
  return {
    directory: () => new StateDirectory(options),
    task: id => {
      const task = tasks.find(each => each.id === id)
      if (task === undefined) throw new Error(`no task ${id}`)
      return task
    },
    destroyed,
    folder: id => platform.files.makeFolder(`/state/tasks/${id}`),
    run: work => simulation.run(work),
    pass: ms => simulation.run(pause(platform.timers, ms)),
  }
}

test('the state of a task that is not here is removed after the delay, and none that is in use', async () => {
  const { directory, task, destroyed, folder, run, pass } = world()
  for (const id of ['0_0', '0_1', '0_2']) folder(id)
  const states = directory()
  const first = await run(states.open(task('0_0')))
  const second = await run(states.open(task('0_1')))
  await pass(stateCleanupDelayMs / 2)
  expect(destroyed).toEqual([])
  await run(second.close())
  await pass(stateCleanupDelayMs / 2 + 120_000)
  expect(destroyed).toEqual(['0_2'])
  await pass(stateCleanupDelayMs)
  expect(destroyed).toEqual(['0_2', '0_1'])
  // It comes back, and stays.
  const again = await run(states.open(task('0_1')))
  await pass(3 * stateCleanupDelayMs)
  expect(destroyed).toEqual(['0_2', '0_1'])
  await run(Promise.all([first.close(), again.close()]))
  await run(states.close())
})

test('what is on disk is known without opening it, after a restart too', async () => {
  const { directory, task, folder, run } = world()
  for (const id of ['0_0', '0_1']) folder(id)
  const states = directory()
  expect(states.offsets).toEqual(new Map([['0_0', 0], ['0_1', 0]])) // prettier-ignore
  const state = await run(states.open(task('0_1')))
  state.prepareCommit(() => {})
  await state.completeCommit([{ topic: 'app-counts-changelog', partition: 1, offset: 120 }])
  expect(states.offsets.get('0_1')).toBe(120)
  await run(state.close())
  expect(states.offsets.get('0_1')).toBe(120)
  await run(states.close())
  const next = directory()
  expect(next.offsets).toEqual(new Map([['0_0', 0], ['0_1', 120]])) // prettier-ignore
  const wiped = await run(next.open(task('0_1')))
  await run(wiped.wipe())
  expect(next.offsets.get('0_1') ?? 0).toBe(0)
  await run(next.close())
})

test('two instances cannot share a state folder, and nobody cleans up what is in use', async () => {
  const log = await simulatedLog()
  await log.run(log.client.createTopics([{ name: 'in' }]))
  const first = await log.run(startApplication(app, log.options))
  await log.run(produce(log.client, 'in', [record('a', 'x')]))
  await expect(log.run(startApplication(app, log.options))).rejects.toMatchObject({
    code: 'FOLDER_LOCKED',
  })
  const { platform, stateFolder } = log.options
  await expect(log.run(cleanUp({ platform, stateFolder }))).rejects.toMatchObject({
    code: 'FOLDER_LOCKED',
  })
  await log.run(first.close())
  platform.files.makeFolder('/state/tasks/0_0')
  const identity = platform.files.read('/state/process.json')
  await log.run(cleanUp({ platform, stateFolder }))
  expect(platform.files.list('/state')).toEqual(['process.json'])
  expect(platform.files.read('/state/process.json')).toEqual(identity)
  const second = await log.run(startApplication(app, log.options))
  await log.run(second.close())
})
