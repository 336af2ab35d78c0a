/**
 * Random transactions of several producers in one partition, with restarts, killed processes, power losses and
 * truncations, against the plain list of what was written. A reader that leaves out what the log calls aborted must see
 * just what was committed, up to the first transaction that is open.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppendRefused } from '../../../src/broker/log/append-refused.ts'
import { defaultLogConfig } from '../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { silentLogger } from '../../../src/logger.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'
import { errorCode } from '../../../src/protocol/error-codes.ts'
import { batchOf } from './batches.ts'
import { readCommitted } from './committed-reader.ts'
import { append, openLog, temporaryFolder, topicId } from './log-world.ts'

type Written =
  | { readonly kind: 'record'; readonly producer: number; readonly value: string }
  | { readonly kind: 'plain'; readonly value: string }
  | { readonly kind: 'marker'; readonly producer: number; readonly type: 'commit' | 'abort' }

type Step =
  | { kind: 'send'; producer: number; size: number }
  | { kind: 'plain' }
  | { kind: 'end'; producer: number; type: 'commit' | 'abort'; bumps: boolean }
  | { kind: 'close' | 'kill' | 'crash' }
  | { kind: 'truncate'; part: number }
  | { kind: 'recoveryPoint' }

const producer = fc.integer({ min: 1, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      producer,
      size: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('plain' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer,
      type: fc.constantFrom('commit' as const, 'abort' as const),
      bumps: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('close' as const, 'kill' as const, 'crash' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('truncate' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recoveryPoint' as const) }) },
)

class Life {
  readonly sim: Simulation
  written: Written[] = []
  readonly epochs = new Map<number, number>()
  #count = 0

  constructor(seed: number) {
    this.sim = simulate({ seed })
  }

  get machine(): ReturnType<Simulation['machine']> {
    return this.sim.machine('broker')
  }

  async open(): Promise<PartitionLog> {
    if (!this.machine.isRunning) this.machine.restart()
    const { files, clock } = this.machine.platform
    const opening = openPartitionLog({
      files,
      clock,
      folder: '/data/flights-0',
      config: { ...defaultLogConfig, segmentBytes: 700, recoveryPointIntervalBytes: 500 },
      logger: silentLogger,
      topicId,
    })
    const log = await this.sim.run(opening)
    await this.sim.run(files.syncFolder('/data'))
    await this.sim.run(files.syncFolder('/'))
    expect(log.endOffset).toBe(this.written.length)
    return log
  }

  /** The producer's next sequence: as many as the log has from it with the epoch that it has now. */
  sequence(log: PartitionLog, producer: number): number {
    const entry = [...log.producers].find(({ producerId }) => producerId === BigInt(producer))
    const epoch = this.epochs.get(producer) ?? 0
    return entry?.epoch === epoch ? (entry.batches.at(-1)?.lastSequence ?? -1) + 1 : 0
  }

  send(log: PartitionLog, producer: number, size: number): void {
    const values = Array.from({ length: size }, () => `${producer}-${this.#count++}`)
    const sequence = this.sequence(log, producer)
    const epoch = this.epochs.get(producer) ?? 0
    const id = BigInt(producer)
    append(log, batchOf(values, { producer: { id, epoch, sequence }, isTransactional: true }))
    for (const value of values) this.written.push({ kind: 'record', producer, value })
  }

  end(log: PartitionLog, producer: number, type: 'commit' | 'abort', bumps: boolean): void {
    const producerEpoch = (this.epochs.get(producer) ?? 0) + (bumps ? 1 : 0)
    this.epochs.set(producer, producerEpoch)
    const marker = { producerId: BigInt(producer), producerEpoch, type, coordinatorEpoch: 0 }
    log.appendMarker(marker, { leaderEpoch: 0 })
    this.written.push({ kind: 'marker', producer, type })
  }

  /** What is committed, and the offset below which nothing is open, by looking at all that was written. */
  expected(): { committed: string[]; stable: number } {
    const open = new Map<number, number>()
    const fate = new Map<number, 'commit' | 'abort'>()
    this.written.forEach((entry, offset) => {
      if (entry.kind === 'record' && !open.has(entry.producer)) open.set(entry.producer, offset)
      if (entry.kind !== 'marker') return
      const first = open.get(entry.producer)
      if (first === undefined) return
      open.delete(entry.producer)
      for (let at = first; at < offset; at++) {
        const before = this.written[at]
        if (before?.kind === 'record' && before.producer === entry.producer) {
          fate.set(at, entry.type)
        }
      }
    })
    const stable = Math.min(this.written.length, ...open.values())
    const committed = this.written.flatMap((entry, offset) => {
      const isCommitted = entry.kind === 'plain' || fate.get(offset) === 'commit'
      return isCommitted && offset < stable && entry.kind !== 'marker' ? [entry.value] : []
    })
    return { committed, stable }
  }

  async compare(log: PartitionLog): Promise<void> {
    await this.sim.run(log.durable(log.endOffset))
    const { committed, stable } = this.expected()
    expect(log.lastStableOffset).toBe(stable)
    for (const maxBytes of [1, 300, 1_000_000]) {
      expect(readCommitted(log, maxBytes)).toEqual(committed)
    }
  }
}

async function run(seed: number, steps: readonly Step[]): Promise<void> {
  const life = new Life(seed)
  let log = await life.open()
  for (const step of steps) {
    switch (step.kind) {
      case 'send':
        life.send(log, step.producer, step.size)
        break
      case 'plain':
        append(log, batchOf([`plain-${life.written.length}`]))
        life.written.push({ kind: 'plain', value: `plain-${life.written.length}` })
        break
      case 'end':
        life.end(log, step.producer, step.type, step.bumps)
        break
      case 'recoveryPoint':
        await life.sim.run(log.takeRecoveryPoint())
        break
      case 'truncate': {
        const to = Math.floor(step.part * log.endOffset)
        await life.sim.run(log.truncateTo(to))
        life.written.length = log.endOffset
        // Epochs that only a cut marker carried are not known to the log any more, nor used again by anybody.
        break
      }
      case 'close':
        await life.sim.run(log.close())
        life.machine.kill()
        log = await life.open()
        break
      case 'kill':
        life.machine.kill()
        log = await life.open()
        break
      case 'crash':
        life.machine.crash()
        log = await life.open()
        break
    }
    await life.compare(log)
  }
}

test('who leaves out what was aborted sees just what was committed', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), fc.array(step, { maxLength: 40, size: 'max' }), run), {
    numRuns: 150,
  })
})

describe('refused', () => {
  const first = { id: 7n, epoch: 3, sequence: 0 }
  const refusal = (work: () => unknown): number => {
    try {
      work()
    } catch (error) {
      if (error instanceof AppendRefused) return error.errorCode
      throw error
    }
    return errorCode.NONE
  }

  test('is a batch outside of the transaction that its producer has open', async () => {
    const log = await openLog(temporaryFolder())
    append(log, batchOf(['a'], { producer: first, isTransactional: true }))
    const outside = batchOf(['b'], { producer: { ...first, sequence: 1 } })
    expect(refusal(() => append(log, outside))).toBe(errorCode.INVALID_TXN_STATE)
    expect(log.isOpenTransaction(7n)).toBe(true)
    await log.close()
  })

  test('is a marker of an older producer or coordinator, and what a fenced producer sends', async () => {
    const log = await openLog(temporaryFolder())
    append(log, batchOf(['a'], { producer: first, isTransactional: true }))
    const marker = { producerId: 7n, producerEpoch: 4, type: 'abort', coordinatorEpoch: 5 } as const
    const end = (change: object): number =>
      refusal(() => log.appendMarker({ ...marker, ...change }, { leaderEpoch: 0 }))
    expect(end({ producerEpoch: 2 })).toBe(errorCode.INVALID_PRODUCER_EPOCH)
    expect(end({})).toBe(errorCode.NONE)
    expect(end({ coordinatorEpoch: 4 })).toBe(errorCode.TRANSACTION_COORDINATOR_FENCED)
    const late = batchOf(['b'], { producer: { ...first, sequence: 1 }, isTransactional: true })
    expect(refusal(() => append(log, late))).toBe(errorCode.INVALID_PRODUCER_EPOCH)
    expect(log.isOpenTransaction(7n)).toBe(false)
    await log.close()
  })
})

test('a damaged index of aborted transactions is made anew', async () => {
  const folder = temporaryFolder()
  const config = { segmentBytes: 600 }
  const log = await openLog(folder, { config })
  const expected: string[] = []
  for (let n = 0; n < 30; n++) {
    const producer = { id: BigInt(n % 3), epoch: Math.floor(n / 3), sequence: 0 }
    append(log, batchOf([`${n}`], { producer, isTransactional: true }))
    const type = n % 2 === 0 ? 'abort' : 'commit'
    if (type === 'commit') expected.push(`${n}`)
    const marker = { producerId: producer.id, producerEpoch: producer.epoch, type } as const
    log.appendMarker({ ...marker, coordinatorEpoch: 0 }, { leaderEpoch: 0 })
  }
  await log.durable(log.endOffset)
  expect(readCommitted(log, 200)).toEqual(expected)
  await log.close()
  const { nodePlatform } = await import('../../../src/platform/node-platform.ts')
  const { files } = nodePlatform()
  const indexes = files.list(folder).filter(name => name.endsWith('.txnindex'))
  expect(indexes.length).toBeGreaterThan(3)
  for (const [n, name] of indexes.entries()) {
    const bytes = files.read(`${folder}/${name}`) ?? Buffer.alloc(0)
    if (n % 2 === 0) bytes[20] = 0xff
    await files.replace(`${folder}/${name}`, n % 2 === 0 ? bytes : bytes.subarray(1))
  }
  const again = await openLog(folder, { config })
  expect(readCommitted(again, 200)).toEqual(expected)
  await again.close()
})

test('retention forgets no producer whose transaction is open', async () => {
  let now = 1000
  const config = { producerIdExpirationMs: 100 }
  const log = await openLog(temporaryFolder(), { config, now: () => now })
  for (const id of [1n, 2n]) {
    const producer = { id, epoch: 0, sequence: 0 }
    append(log, batchOf(['a'], { producer, isTransactional: true }))
  }
  const marker = { producerId: 2n, producerEpoch: 0, type: 'commit', coordinatorEpoch: 0 } as const
  log.appendMarker(marker, { leaderEpoch: 0 })
  now = 5000
  await log.applyRetention(now)
  expect(Array.from(log.producers, ({ producerId }) => producerId)).toEqual([1n])
  expect(log.lastStableOffset).toBe(0)
  await log.close()
})
