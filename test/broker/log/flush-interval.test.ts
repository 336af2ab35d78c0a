/** A log that acknowledges at once and is flushed now and then: what was flushed is there after a power loss. */
import { expect, test } from 'vitest'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { batchOf } from './batches.ts'
import { append, openLog, readAll } from './log-world.ts'

const folder = '/data/flights-0'

async function world(seed: number, flushIntervalMessages: number) {
  const sim = simulate({ seed })
  const machine = sim.machine('broker')
  const { files } = machine.platform
  const config = { flush: 'interval', flushIntervalMessages } as const
  const log = await sim.run(openLog(folder, { files, config }))
  await sim.run(files.syncFolder('/data'))
  await sim.run(files.syncFolder('/'))
  let syncs = 0
  machine.onOperation = ({ kind, path }) => {
    if (kind === 'sync' && path.endsWith('.log')) syncs++
  }
  const settle = async (): Promise<void> => {
    const until = sim.nowMs + 1000
    sim.after(1000, () => undefined)
    await sim.run(() => sim.nowMs >= until)
  }
  const afterCrash = async (): Promise<string[]> => {
    machine.crash()
    machine.onOperation = undefined
    return readAll(await sim.run(openLog(folder, { files: machine.restart().files })))
  }
  return { sim, log, machine, syncs: () => syncs, settle, afterCrash }
}

test('readers see, and producers are told, at once', async () => {
  const { log, syncs, settle } = await world(1, 100)
  append(log, batchOf(['a', 'b']))
  await log.durable(2)
  expect(readAll(log)).toEqual(['0:a', '1:b'])
  await settle()
  expect(syncs()).toBe(0)
})

test('every so many records are flushed, whatever the seed', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { log, syncs, settle, afterCrash } = await world(seed, 10)
    for (let n = 0; n < 9; n++) append(log, batchOf([`${n}`]))
    await settle()
    expect(syncs()).toBe(0)
    append(log, batchOf(['9']))
    await settle()
    expect(syncs()).toBe(1)
    append(log, batchOf(['lost, perhaps']))
    const found = await afterCrash()
    expect(found.slice(0, 10)).toEqual(Array.from({ length: 10 }, (_, n) => `${n}:${n}`))
  }
})

test('what is asked for is flushed, once, and nothing where nothing was written', async () => {
  const { log, syncs, settle, afterCrash } = await world(7, 1000)
  log.requestFlush()
  await settle()
  expect(syncs()).toBe(0)
  append(log, batchOf(['a']))
  log.requestFlush()
  await settle()
  log.requestFlush()
  await settle()
  expect(syncs()).toBe(1)
  expect(await afterCrash()).toEqual(['0:a'])
})

test('a flush that fails stops the partition, as it does with every other mode', async () => {
  const { log, machine, settle } = await world(8, 1000)
  append(log, batchOf(['a']))
  machine.onOperation = ({ kind, path }) => {
    if (kind === 'sync' && path.endsWith('.log')) {
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
  }
  log.requestFlush()
  await settle()
  expect(() => append(log, batchOf(['b']))).toThrow(/restart the broker/)
  await expect(log.durable(1)).rejects.toMatchObject({ code: 'FILE_ERROR' })
  log.requestFlush()
})
