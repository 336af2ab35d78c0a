/**
 * A compacted log on a simulated machine beside the list of everything that was written to it. What compaction promises,
 * whatever happens: the log holds a part of what was written, each record under its offset and as it was, in order; played
 * from its start it gives the same table as the whole list; from any offset on a reader gets what is left from there.
 */
import { expect } from 'vitest'
import { defaultLogConfig, type LogConfig } from '../../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../../src/broker/log/partition-log.ts'
import { offsetsOf } from '../../../../src/broker/log/file-names.ts'
import { silentLogger } from '../../../../src/logger.ts'
import type { Machine } from '../../../../src/platform/simulated/machine.ts'
import { simulate, type Simulation } from '../../../../src/platform/simulated/simulation.ts'
import { topicId } from '../log-world.ts'
import {
  type FoundRecord,
  keyedBatch,
  type KeyedBatchOptions,
  type KeyedRecord,
  recordsOf,
  tableOf,
} from './keyed-log.ts'

const folder = '/data/table-0'

const config: LogConfig = {
  ...defaultLogConfig,
  isCompacted: true,
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: 30,
  segmentBytes: 600,
  indexIntervalBytes: 150,
  recoveryPointIntervalBytes: 900,
  retentionMs: -1,
}

export class CompactionWorld {
  readonly sim: Simulation
  readonly machine: Machine
  log: PartitionLog | undefined
  /** By offset. What is not acknowledged may be cut off its end by a crash. */
  written: FoundRecord[] = []
  /** The offset up to which it is acknowledged. */
  acknowledged = 0
  #producerBatches: { readonly lastOffset: number; readonly nextSequence: number }[] = []

  constructor(seed: number) {
    this.sim = simulate({ seed })
    this.machine = this.sim.machine('broker')
  }

  get now(): number {
    return this.machine.platform.clock.now()
  }

  /** The value; undefined when the machine stopped first. */
  async unlessStopped<T>(promise: Promise<T>): Promise<T | undefined> {
    let outcome: { value: T } | { error: unknown } | undefined
    const { platform } = this.machine
    const isOver = (): boolean => !this.machine.isRunning || this.machine.platform !== platform
    promise.then(
      value => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    )
    await this.sim.run(() => outcome !== undefined || isOver())
    if (isOver() || outcome === undefined) return undefined
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  async open(): Promise<PartitionLog> {
    for (;;) {
      if (!this.machine.isRunning) this.machine.restart()
      const { files, clock } = this.machine.platform
      const opening = openPartitionLog({
        files,
        clock,
        folder,
        config,
        logger: silentLogger,
        topicId,
      })
      const log = await this.unlessStopped(
        opening.then(async opened => {
          await files.syncFolder('/data')
          await files.syncFolder('/')
          return opened
        }),
      )
      if (log === undefined) continue
      expect(log.endOffset).toBeGreaterThanOrEqual(this.acknowledged)
      expect(log.endOffset).toBeLessThanOrEqual(this.written.length)
      this.written.length = log.endOffset
      this.acknowledged = log.endOffset
      this.#producerBatches = this.#producerBatches.filter(
        ({ lastOffset }) => lastOffset < log.endOffset,
      )
      this.log = log
      this.check()
      return log
    }
  }

  /** Appends a batch and waits until it is durable. `once`: as the next one of an idempotent producer. */
  async append(
    records: readonly KeyedRecord[],
    { codec, once = false }: Pick<KeyedBatchOptions, 'codec'> & { once?: boolean } = {},
  ): Promise<void> {
    const { log } = this
    if (log === undefined) return
    const sequence = this.#producerBatches.at(-1)?.nextSequence ?? 0
    const producer = once ? { producer: { id: 5n, sequence } } : {}
    const batch = keyedBatch(records, { ...producer, ...(codec === undefined ? {} : { codec }) })
    const copy = Buffer.from(batch)
    const { baseOffset, lastOffset } = log.append(batch, { leaderEpoch: 0, assignOffsets: true })
    expect(baseOffset).toBe(this.written.length)
    records.forEach(({ key, value, timestamp = 1000 }, n) => {
      this.written.push({ offset: baseOffset + n, key, value, timestamp, header: key })
    })
    if (once) {
      this.#producerBatches.push({ lastOffset, nextSequence: sequence + records.length })
    }
    const isDurable = await this.unlessStopped(log.durable(lastOffset + 1).then(() => true))
    if (isDurable !== true) return
    this.acknowledged = lastOffset + 1
    if (!once) return
    const again = log.append(copy, { leaderEpoch: 0, assignOffsets: true })
    expect(again).toMatchObject({ baseOffset, lastOffset, duplicate: true })
  }

  /** One round; what is at or above the active segment must not be touched. */
  async compact(): Promise<boolean> {
    const { log } = this
    if (log === undefined) return false
    const { files, timers } = this.machine.platform
    const active = offsetsOf(files.list(folder), 'log').at(-1) ?? 0
    const done = await this.unlessStopped(
      log
        .compact({ now: this.now, pause: () => timers.yield(), offsetMapBytes: 400 })
        .then(() => true),
    )
    if (done !== true) return false
    expect(recordsOf(log, active)).toEqual(this.written.slice(active))
    return true
  }

  /** Lets virtual time pass, or less when the machine stops. */
  async pass(delayMs: number): Promise<void> {
    const until = this.sim.nowMs + delayMs
    this.sim.after(delayMs, () => undefined)
    await this.sim.run(() => this.sim.nowMs >= until || !this.machine.isRunning)
  }

  check(from = 0): void {
    const { log } = this
    if (log === undefined || !this.machine.isRunning) return
    const seen = this.written.slice(0, log.highWatermark)
    const found = recordsOf(log)
    expect(found).toEqual(found.map(({ offset }) => seen[offset]))
    expect(tableOf(found)).toEqual(tableOf(seen))
    const offsets = found.map(({ offset }) => offset)
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b))
    expect(recordsOf(log, from, 700)).toEqual(found.filter(({ offset }) => offset >= from))
  }

  /** After rounds without a fault: below the first dirty offset each key has one record at most. */
  records(): FoundRecord[] {
    return this.log === undefined ? [] : recordsOf(this.log)
  }
}
