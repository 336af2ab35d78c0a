/**
 * Random lives of a partition against a plain array: appends, reads of any range, lookups by time, deletions from both
 * ends, clean stops, killed processes and power losses. What the log promises: everything for which `durable` has
 * resolved, or that a reader could see, is there afterwards, in order and once; of what came after it a prefix.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/logger.ts'
import { defaultLogConfig } from '../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'
import { batchOf } from './batches.ts'
import { append, readAll, topicId } from './log-world.ts'

interface ModelRecord {
  readonly value: string
  readonly timestamp: number
}

/** A batch of the one idempotent producer that writes beside the others. */
interface ProducerBatch {
  readonly batch: Buffer
  readonly baseOffset: number
  readonly lastOffset: number
  readonly nextSequence: number
}

type Step =
  | { kind: 'append'; batches: number[]; timestamp: number; wait: boolean }
  | { kind: 'appendOnce'; size: number }
  | { kind: 'retry' }
  | { kind: 'pause'; delayMs: number }
  | { kind: 'read'; at: number; maxBytes: number }
  | { kind: 'lookup'; timestamp: number }
  | { kind: 'delete'; part: number }
  | { kind: 'truncate'; part: number }
  | { kind: 'retention' }
  | { kind: 'close' | 'kill' | 'crash' }
  | { kind: 'crashLater'; delayMs: number }

const timestamp = fc.integer({ min: 0, max: 300 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      batches: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 }),
      timestamp,
      wait: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('appendOnce' as const),
      size: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pause' as const),
      delayMs: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      maxBytes: fc.integer({ min: 1, max: 3000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lookup' as const), timestamp }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('delete' as const, 'truncate' as const),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retention' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('close' as const, 'kill' as const, 'crash' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('crashLater' as const),
      delayMs: fc.integer({ min: 0, max: 15 }),
    }),
  },
)

const config = {
  ...defaultLogConfig,
  segmentBytes: 1500,
  indexIntervalBytes: 200,
  recoveryPointIntervalBytes: 700,
  retentionMs: -1,
  retentionBytes: 9000,
}

/** A log on a simulated machine beside the array that says what is in it. */
class Life {
  readonly sim: Simulation
  readonly flush: 'commit' | 'os'
  records: ModelRecord[] = []
  start = 0
  /** Below it nothing may be lost any more. */
  safe = 0
  log: PartitionLog | undefined
  producerBatches: ProducerBatch[] = []
  #appended = 0

  constructor(seed: number, flush: 'commit' | 'os') {
    this.sim = simulate({ seed })
    this.flush = flush
  }

  get machine(): ReturnType<Simulation['machine']> {
    return this.sim.machine('broker')
  }

  /** Opens the log, again and again if the power fails meanwhile, and compares it with the array. */
  async open(lost: 'nothing' | 'unsafe'): Promise<PartitionLog> {
    for (;;) {
      if (!this.machine.isRunning) this.machine.restart()
      const { files, clock } = this.machine.platform
      const opening = openPartitionLog({
        files,
        clock,
        folder: '/data/flights-0',
        config: { ...config, flush: this.flush },
        logger: silentLogger,
        topicId,
      })
      const opened = await this.unlessStopped(
        opening.then(async log => {
          await files.syncFolder('/data')
          await files.syncFolder('/')
          return log
        }),
      )
      if (opened === undefined) continue
      if (lost === 'nothing') expect(opened.endOffset).toBe(this.records.length)
      expect(opened.endOffset).toBeGreaterThanOrEqual(this.safe)
      expect(opened.endOffset).toBeLessThanOrEqual(this.records.length)
      expect(opened.highWatermark).toBe(opened.endOffset)
      expect(opened.startOffset).toBeGreaterThanOrEqual(this.start)
      this.start = opened.startOffset
      this.records.length = opened.endOffset
      this.safe = opened.endOffset
      this.log = opened
      this.forgetLostBatches()
      this.compare(opened)
      return opened
    }
  }

  /** The value, or undefined when the machine stopped first. */
  async unlessStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    let outcome: { value: T } | { error: unknown } | undefined
    const settle = async (): Promise<void> => {
      try {
        outcome = { value: await promise }
      } catch (error) {
        outcome = { error }
      }
    }
    void settle()
    await this.sim.run(() => outcome !== undefined || !this.machine.isRunning)
    if (!this.machine.isRunning || outcome === undefined) return undefined
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  compare(log: PartitionLog): void {
    const expected = this.records
      .slice(0, log.highWatermark)
      .map(({ value }, offset) => `${offset}:${value}`)
    expect(readAll(log)).toEqual(expected.slice(this.start))
  }

  forgetLostBatches(): void {
    const end = this.records.length
    this.producerBatches = this.producerBatches.filter(({ lastOffset }) => lastOffset < end)
  }

  appendOnce(log: PartitionLog, size: number): void {
    const sequence = this.producerBatches.at(-1)?.nextSequence ?? 0
    const values = Array.from({ length: size }, () => `${this.#appended++}`)
    const batch = batchOf(values, { timestamp: 7, producer: { id: 9n, epoch: 0, sequence } })
    const { baseOffset, lastOffset } = append(log, Buffer.from(batch))
    this.records.push(...values.map(value => ({ value, timestamp: 7 })))
    this.producerBatches.push({ batch, baseOffset, lastOffset, nextSequence: sequence + size })
  }

  retry(log: PartitionLog): void {
    const latest = this.producerBatches.at(-1)
    if (latest === undefined) return
    const { batch, baseOffset, lastOffset } = latest
    const result = append(log, Buffer.from(batch))
    expect(result).toMatchObject({ baseOffset, lastOffset, duplicate: true })
  }

  async appendTo(log: PartitionLog, sizes: readonly number[], timestamp: number): Promise<void> {
    const batches: Buffer[] = []
    for (const [n, size] of sizes.entries()) {
      const values = Array.from({ length: size }, () => `${this.#appended++}`)
      batches.push(batchOf(values, { timestamp: timestamp + n }))
      this.records.push(...values.map(value => ({ value, timestamp: timestamp + n })))
    }
    const { lastOffset } = append(log, Buffer.concat(batches))
    expect(lastOffset).toBe(this.records.length - 1)
    const { machine } = this
    const { platform } = machine
    await log.durable(lastOffset + 1)
    if (this.flush === 'os' || machine.platform !== platform) return
    this.safe = Math.max(this.safe, lastOffset + 1)
  }
}

async function run(seed: number, flush: 'commit' | 'os', steps: readonly Step[]): Promise<void> {
  const life = new Life(seed, flush)
  let log = await life.open('nothing')
  for (const step of steps) {
    if (!life.machine.isRunning) log = await life.open('unsafe')
    if (life.flush === 'commit') life.safe = Math.max(life.safe, log.highWatermark)
    const between = (part: number, low: number, high: number): number =>
      Math.floor(low + part * (high - low))
    switch (step.kind) {
      case 'append': {
        const durable = life.appendTo(log, step.batches, step.timestamp)
        if (step.wait) await life.unlessStopped(durable)
        else durable.catch(() => undefined)
        break
      }
      case 'appendOnce':
        life.appendOnce(log, step.size)
        break
      case 'retry':
        life.retry(log)
        break
      case 'pause': {
        const until = life.sim.nowMs + step.delayMs
        life.sim.after(step.delayMs, () => undefined)
        await life.sim.run(() => life.sim.nowMs >= until || !life.machine.isRunning)
        break
      }
      case 'read': {
        const from = between(step.at, log.startOffset, log.highWatermark)
        const expected = life.records
          .slice(0, log.highWatermark)
          .map(({ value }, offset) => `${offset}:${value}`)
        expect(readAll(log, from, step.maxBytes)).toEqual(expected.slice(from))
        break
      }
      case 'lookup': {
        const seen = life.records.slice(0, log.highWatermark)
        const offset = seen.findIndex(
          (record, at) => at >= log.startOffset && record.timestamp >= step.timestamp,
        )
        const expected = offset < 0 ? null : { offset, timestamp: seen[offset]?.timestamp }
        expect(log.offsetForTimestamp(step.timestamp)).toEqual(expected)
        break
      }
      case 'delete': {
        const before = between(step.part, log.startOffset, log.highWatermark)
        const done = await life.unlessStopped(log.deleteRecordsBefore(before).then(() => true))
        if (done === true) {
          life.start = log.startOffset
          expect(life.start).toBe(before)
        }
        break
      }
      case 'truncate': {
        const to = between(step.part, log.startOffset, log.endOffset)
        // The batch that holds the offset goes as a whole; the largest has 12 records.
        const safe = Math.min(life.safe, Math.max(0, to - 11))
        const done = await life.unlessStopped(log.truncateTo(to).then(() => true))
        life.safe = safe
        if (done === true) {
          expect(log.endOffset).toBeLessThanOrEqual(to)
          expect(log.endOffset).toBeGreaterThanOrEqual(Math.max(0, to - 11))
          life.records.length = log.endOffset
          life.forgetLostBatches()
        }
        // A crash in between leaves the old or the new start.
        life.start = Math.min(life.start, log.startOffset)
        break
      }
      case 'retention':
        if ((await life.unlessStopped(log.applyRetention(0).then(() => true))) === true) {
          life.start = log.startOffset
        }
        break
      case 'close':
        if ((await life.unlessStopped(log.close().then(() => true))) === true) {
          life.machine.kill()
          log = await life.open('nothing')
        }
        break
      case 'kill':
        life.machine.kill()
        log = await life.open('nothing')
        break
      case 'crash':
        life.machine.crash()
        log = await life.open('unsafe')
        break
      case 'crashLater': {
        const { machine } = life
        const { platform } = machine
        life.sim.after(step.delayMs, () => {
          if (machine.isRunning && machine.platform === platform) machine.crash()
        })
        break
      }
    }
    if (life.machine.isRunning) life.compare(log)
  }
}

test.each(['commit', 'os'] as const)('a log with flush=%s is an array', async flush => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(step, { maxLength: 40, size: 'max' }), (seed, steps) =>
      run(seed, flush, steps),
    ),
    { numRuns: 200 },
  )
})
