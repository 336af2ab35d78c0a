import { describe, expect, test } from 'vitest'
import type { PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { silentLogger } from '../../../src/logger.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { systemError } from '../../../src/platform/simulated/system-error.ts'
import type { Machine } from '../../../src/platform/simulated/machine.ts'
import type { OperationKind } from '../../../src/platform/simulated/operation.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'
import { batchOf } from './batches.ts'
import { append, openLog, readAll } from './log-world.ts'

const folder = '/data/flights-0'

interface World {
  readonly sim: Simulation
  readonly machine: Machine
  readonly log: PartitionLog
}

async function world(seed: number, flush: 'commit' | 'os' = 'commit'): Promise<World> {
  const sim = simulate({ seed })
  const machine = sim.machine('broker')
  const { files } = machine.platform
  const log = await sim.run(openLog(folder, { files, config: { flush } }))
  return { sim, machine, log }
}

/** What the broker does around a new log. */
async function placeIsDurable({ platform: { files } }: Machine): Promise<void> {
  await files.syncFolder('/data')
  await files.syncFolder('/')
}

/** Makes the next `count` operations of that kind on log files fail; tells how many did. */
function failing(
  machine: Machine,
  kinds: readonly OperationKind[],
  code: string,
): { count: number } {
  const faults = { count: 0 }
  machine.onOperation = ({ kind, path }) => {
    if (!kinds.includes(kind) || !path.endsWith('.log')) return
    faults.count++
    throw systemError(code)
  }
  return faults
}

describe('a write that fails', () => {
  test.each(['ENOSPC', 'EIO'])('with %s leaves the log as it was', async code => {
    const { sim, machine, log } = await world(3)
    append(log, batchOf(['a']))
    await sim.run(log.durable(1))
    const faults = failing(machine, ['write'], code)
    expect(() => append(log, batchOf(['lost']))).toThrow(
      expect.objectContaining({ errorCode: errorCode.KAFKA_STORAGE_ERROR, retriable: true }),
    )
    expect(faults.count).toBe(1)
    expect(log.endOffset).toBe(1)
    machine.onOperation = undefined
    expect(append(log, batchOf(['b']))).toMatchObject({ baseOffset: 1 })
    await sim.run(log.durable(2))
    expect(readAll(log)).toEqual(['0:a', '1:b'])
  })

  test('is logged once, and once that it is over', async () => {
    const { sim, machine } = await world(5)
    machine.kill()
    const { files } = machine.restart()
    const lines: string[] = []
    const keep = (_: object, message: string): number => lines.push(message)
    const logger = { ...silentLogger, info: keep, error: keep }
    const log = await sim.run(openLog(folder, { files, logger }))
    const refused = (): unknown => expect(() => append(log, batchOf(['lost']))).toThrow()
    for (let times = 0; times < 2; times++) {
      failing(machine, ['write'], 'ENOSPC')
      refused()
      refused()
      machine.onOperation = undefined
      append(log, batchOf(['a']))
      append(log, batchOf(['b']))
    }
    const [failed, works] = [
      /retriable errors.*\(ENOSPC\).*free some space/,
      /can be written to again/,
    ]
    expect(lines).toHaveLength(4)
    for (const [at, line] of lines.entries()) expect(line).toMatch(at % 2 === 0 ? failed : works)
  })

  test('and cannot be cut back either is cut back before the next one', async () => {
    const { sim, machine, log } = await world(4)
    append(log, batchOf(['a']))
    const faults = failing(machine, ['write', 'truncate'], 'EIO')
    expect(() => append(log, batchOf(['lost'.repeat(100)]))).toThrow(/nothing was appended/)
    expect(() => append(log, batchOf(['lost']))).toThrow(/nothing was appended/)
    expect(faults.count).toBe(3)
    machine.onOperation = undefined
    append(log, batchOf(['b']))
    await sim.run(log.durable(2))
    machine.kill()
    const { files } = machine.restart()
    const again = await sim.run(openLog(folder, { files }))
    expect(readAll(again)).toEqual(['0:a', '1:b'])
  })

  test('and cannot be cut back either keeps the log from going on in a new segment', async () => {
    const { sim, machine } = await world(9)
    machine.kill()
    const { files } = machine.restart()
    const config = { segmentBytes: 400 }
    const log = await sim.run(openLog(folder, { files, config }))
    append(log, batchOf(['a'.repeat(200)], { timestamp: 7 }))
    await sim.run(log.durable(1))
    machine.onOperation = ({ kind, path }) => {
      if (!path.endsWith('.log')) return
      if (kind === 'write') throw systemError('ENOSPC')
      if (kind === 'truncate') throw systemError('EIO')
    }
    expect(() => append(log, batchOf(['lost']))).toThrow(/nothing was appended/)
    const segments = (): number => files.list(folder).filter(name => name.endsWith('.log')).length
    expect(() => append(log, batchOf(['b'.repeat(300)]))).toThrow(/nothing was appended/)
    expect(segments()).toBe(1)
    machine.onOperation = undefined
    append(log, batchOf(['b'.repeat(300)], { timestamp: 8 }))
    await sim.run(log.durable(2))
    expect(segments()).toBe(2)
    expect(readAll(log)).toHaveLength(2)
    expect(log.offsetForTimestamp(8)).toEqual({ offset: 1, timestamp: 8 })
    await sim.run(log.close())
  })

  test('refuses an idempotent batch so that the same one can be sent again', async () => {
    const { machine, log } = await world(5)
    const batch = (): Buffer => batchOf(['a'], { producer: { id: 1n, epoch: 0, sequence: 0 } })
    failing(machine, ['write'], 'ENOSPC')
    expect(() => append(log, batch())).toThrow(/nothing was appended/)
    machine.onOperation = undefined
    expect(append(log, batch())).toMatchObject({ baseOffset: 0, duplicate: false })
  })
})

describe('a flush that fails', () => {
  test('stops the partition for ever', async () => {
    const { sim, machine, log } = await world(6)
    append(log, batchOf(['a']))
    await sim.run(log.durable(1))
    const faults = failing(machine, ['sync'], 'EIO')
    append(log, batchOf(['b']))
    const waiting = Promise.allSettled([log.durable(2), log.durable(2)])
    for (const answer of await sim.run(waiting)) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'FILE_ERROR' } })
    }
    expect(faults.count).toBe(1)
    machine.onOperation = undefined
    await expect(log.durable(2)).rejects.toMatchObject({ code: 'FILE_ERROR' })
    expect(() => append(log, batchOf(['c']))).toThrow(
      expect.objectContaining({ errorCode: errorCode.KAFKA_STORAGE_ERROR, code: 'FILE_ERROR' }),
    )
    expect(() => log.read(1, 100, { upTo: 2 })).toThrow(/restart the broker/)
    expect(log.highWatermark).toBe(1)
    expect(readAll(log, 0)).toEqual(['0:a'])
    await expect(log.durable(1)).resolves.toBeUndefined()
    await sim.run(log.close())

    machine.crash()
    const again = await sim.run(openLog(folder, { files: machine.restart().files }))
    expect(readAll(again)[0]).toBe('0:a')
  })
})

test('what a process could not flush and the next one showed survives a power loss', async () => {
  for (let seed = 20; seed < 30; seed++) {
    const { sim, machine, log } = await world(seed)
    await sim.run(placeIsDurable(machine))
    append(log, batchOf(['a']))
    const faults = failing(machine, ['sync'], 'EIO')
    await sim.run(Promise.allSettled([log.durable(1)]))
    expect(faults.count).toBe(1)
    machine.onOperation = undefined
    machine.kill()
    const next = await sim.run(openLog(folder, { files: machine.restart().files }))
    expect(readAll(next)).toEqual(['0:a'])
    machine.crash()
    const again = await sim.run(openLog(folder, { files: machine.restart().files }))
    expect(readAll(again)).toEqual(['0:a'])
  }
})

test('a segment that a killed process began is there after a power loss', async () => {
  for (let seed = 30; seed < 40; seed++) {
    const { sim, machine } = await world(seed)
    await sim.run(placeIsDurable(machine))
    const config = { segmentBytes: 150 }
    machine.kill()
    const log = await sim.run(openLog(folder, { files: machine.restart().files, config }))
    append(log, batchOf(['a']))
    await sim.run(log.takeRecoveryPoint())
    failing(machine, ['write'], 'ENOSPC')
    expect(() => append(log, batchOf(['b'.repeat(50)]))).toThrow(/nothing was appended/)
    machine.onOperation = undefined
    machine.kill()
    const next = await sim.run(openLog(folder, { files: machine.restart().files, config }))
    append(next, batchOf(['c']))
    await sim.run(next.durable(2))
    machine.crash()
    const again = await sim.run(openLog(folder, { files: machine.restart().files, config }))
    expect(readAll(again)).toEqual(['0:a', '1:c'])
  }
})

/** One life that ends at that file operation, and what is found after it. False when it got by without so many. */
async function stopAt(operation: number): Promise<boolean> {
  const sim = simulate({ seed: operation })
  const machine = sim.machine('broker')
  const config = { segmentBytes: 400, recoveryPointIntervalBytes: 200 }
  const acknowledged: string[] = []
  let finished = false
  const work = async (): Promise<void> => {
    const { files } = machine.platform
    const log = await openLog(folder, { files, config })
    await files.syncFolder('/data')
    await files.syncFolder('/')
    for (let n = 0; n < 30; n++) {
      append(log, batchOf([`value ${n}`]))
      await log.durable(n + 1)
      acknowledged.push(`${n}:value ${n}`)
    }
    await log.close()
    finished = true
  }
  machine.onOperation = ({ number }) => {
    if (number === operation) machine.crash()
  }
  void work()
  await sim.run(() => finished || !machine.isRunning)
  const stopped = !machine.isRunning
  machine.onOperation = undefined
  if (!stopped) machine.crash()
  const { files } = machine.restart()
  const log = await sim.run(openLog(folder, { files, config }))
  const records = readAll(log)
  expect(records.slice(0, acknowledged.length)).toEqual(acknowledged)
  expect(records).toEqual(records.map((_, n) => `${n}:value ${n}`))
  await sim.run(log.close())
  return stopped
}

test('a machine that stops at any file operation keeps what was acknowledged', async () => {
  let lives = 1
  while (await stopAt(lives)) lives += 1
  expect(lives).toBeGreaterThan(200)
})

test('a start offset that could not be stored is stored by the next call', async () => {
  const { sim, machine, log } = await world(21)
  await sim.run(placeIsDurable(machine))
  append(log, batchOf(['a', 'b', 'c', 'd']))
  await sim.run(log.durable(4))
  machine.onOperation = ({ kind, path }) => {
    if (kind === 'write' && !path.endsWith('.log')) throw systemError('ENOSPC')
  }
  await expect(sim.run(log.deleteRecordsBefore(3))).rejects.toMatchObject({ code: 'FILE_ERROR' })
  machine.onOperation = undefined
  await sim.run(log.deleteRecordsBefore(3))
  machine.crash()
  const { files } = machine.restart()
  const again = await sim.run(openLog(folder, { files }))
  expect(again.startOffset).toBe(3)
})
