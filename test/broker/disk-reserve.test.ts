/** A disk that is full, as far as what is to be deleted is concerned. */
import { beforeEach, expect, test } from 'vitest'
import { openBroker } from '../../src/broker/broker.ts'
import { brokerConfig } from '../../src/broker/config.ts'
import { openTopics, type Topics } from '../../src/broker/topics.ts'
import { silentLogger } from '../../src/logger.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { simulate, type Simulation } from '../../src/platform/simulated/simulation.ts'
import { batchOf } from './log/batches.ts'
import { append } from './log/log-world.ts'
import { systemError } from '../../src/platform/simulated/system-error.ts'

let sim: Simulation
let machine: Machine
let topics: Topics

const open = (): Promise<Topics> =>
  sim.run(
    openTopics({
      platform: machine.platform,
      folder: '/data',
      config: brokerConfig(),
      logger: silentLogger,
    }),
  )
const create = (name: string) => sim.run(topics.create({ name, partitions: 2, configs: new Map() }))
const names = (): string[] => topics.all().map(({ name }) => name)
const reserve = (): number | undefined => machine.platform.files.size('/data/reserve')

/** From now on nothing can be written until something was removed; returns how often something was refused. */
function fillDisk(): { refused: number } {
  const faults = { refused: 0 }
  let isFull = true
  machine.onOperation = ({ kind }) => {
    if (kind === 'remove') isFull = false
    if (!isFull || kind !== 'write') return
    faults.refused++
    throw systemError('ENOSPC')
  }
  return faults
}

beforeEach(async () => {
  sim = simulate({ seed: 1 })
  machine = sim.machine('broker')
  machine.platform.files.makeFolder('/data')
  topics = await open()
  await create('a')
  await create('b')
})

test('a topic is deleted, and space set aside again', async () => {
  const faults = fillDisk()
  await sim.run(topics.delete('a'))
  expect(faults.refused).toBe(1)
  expect(names()).toEqual(['b'])
  expect(reserve()).toBe(1 << 20)
  machine.onOperation = undefined
  machine.crash()
  machine.restart()
  topics = await open()
  expect(names()).toEqual(['b'])
})

test('and after the creation of another one has failed', async () => {
  const faults = fillDisk()
  await expect(create('c')).rejects.toMatchObject({ code: 'FILE_ERROR' })
  expect(reserve()).toBe(1 << 20)
  await sim.run(topics.delete('a'))
  expect(faults.refused).toBeGreaterThan(1)
  expect(names()).toEqual(['b'])
})

test('old records go, and those that are deleted', async () => {
  const configs = new Map([
    ['segment.bytes', '1024'],
    ['retention.bytes', '3000'],
  ])
  const topic = await sim.run(topics.create({ name: 'c', partitions: 1, configs }))
  const log = topic.partitions[0]
  if (log === undefined) throw new Error('a topic has a partition')
  for (let n = 0; n < 20; n++) append(log, batchOf(['x'.repeat(500)]))
  await sim.run(log.durable(log.endOffset))
  const segments = log.segmentCount
  const faults = fillDisk()
  await sim.run(topics.freeing(() => log.applyRetention(machine.platform.clock.now())))
  expect(faults.refused).toBeGreaterThan(0)
  expect(log.startOffset).toBeGreaterThan(0)
  expect(log.segmentCount).toBeLessThan(segments)
  fillDisk()
  await sim.run(topics.freeing(() => log.deleteRecordsBefore(log.endOffset)))
  expect(log.segmentCount).toBe(1)
  expect(reserve()).toBe(1 << 20)
})

test('segments go at the next try when the first one failed after the start had moved', async () => {
  const configs = new Map([['segment.bytes', '1024']])
  const topic = await sim.run(topics.create({ name: 'c', partitions: 1, configs }))
  const log = topic.partitions[0]
  if (log === undefined) throw new Error('a topic has a partition')
  for (let n = 0; n < 20; n++) append(log, batchOf(['x'.repeat(500)]))
  await sim.run(log.durable(log.endOffset))
  machine.onOperation = ({ kind }) => {
    if (kind === 'write') throw systemError('EIO')
  }
  const deletion = sim.run(log.deleteRecordsBefore(15))
  await expect(deletion).rejects.toMatchObject({ code: 'FILE_ERROR' })
  const segments = log.segmentCount
  machine.onOperation = undefined
  await sim.run(log.deleteRecordsBefore(15))
  expect(log.segmentCount).toBeLessThan(segments)
})

test('a broker that was killed starts, without what was set aside', async () => {
  const start = () => sim.run(openBroker({ platform: machine.platform, folder: '/other' }))
  const before = await start()
  await sim.run(before.topics.create({ name: 'a', partitions: 2, configs: new Map() }))
  machine.kill()
  machine.restart()
  const faults = fillDisk()
  const broker = await start()
  expect(faults.refused).toBeGreaterThan(0)
  expect(broker.topics.all()).toHaveLength(1)
  machine.onOperation = undefined
  await sim.run(broker.close())
})

test('what was not set aside is not missed', async () => {
  machine.platform.files.remove('/data/reserve')
  machine.onOperation = ({ kind }) => {
    if (kind === 'write') throw systemError('ENOSPC')
  }
  await expect(sim.run(topics.delete('a'))).rejects.toMatchObject({ code: 'FILE_ERROR' })
  machine.onOperation = ({ kind, path }) => {
    if (kind === 'write' && path === '/data/reserve') throw systemError('ENOSPC')
  }
  await sim.run(topics.delete('b'))
  expect(reserve()).toBeUndefined()
  machine.onOperation = undefined
})
