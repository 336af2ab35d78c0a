/**
 * One life of a partition with transactions (commits and aborts of two producers among plain records, segments that roll,
 * recovery points, deletions from both ends, a clean stop), and then again for every file operation of it with a fault
 * just there. Whatever the operation was: what was durable is there, a reader of committed records sees just what was
 * committed, and the log still knows what is open and which sequence comes next.
 */
import { expect, test } from 'vitest'
import { AppendRefused } from '../../../src/broker/log/append-refused.ts'
import { defaultLogConfig } from '../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../src/broker/log/partition-log.ts'
import { MillraceError } from '../../../src/errors.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { Operation, OperationKind } from '../../../src/platform/simulated/operation.ts'
import { simulate } from '../../../src/platform/simulated/simulation.ts'
import { systemError } from '../../../src/platform/simulated/system-error.ts'
import { batchOf } from './batches.ts'
import { readCommitted } from './committed-reader.ts'
import { append, topicId } from './log-world.ts'

const faults = ['power loss', 'kill', 'ENOSPC', 'EIO'] as const
type Fault = (typeof faults)[number]

/** They leave nothing that a process could be stopped before or after, and need no space. */
const readingKinds: ReadonlySet<OperationKind> = new Set(['read', 'list', 'size'])

interface Entry {
  /** 0 for a record outside of transactions. */
  readonly producer: number
  /** A record, or the marker that ends a transaction. */
  readonly what: { readonly value: string } | 'commit' | 'abort'
}

class Life {
  readonly simulation
  readonly machine
  /** By offset. */
  written: Entry[] = []
  start = 0
  /** Where the log may start once what is being deleted is gone. */
  nextStart = 0
  /** Looking at the log is not what a fault is for. */
  isLooking = false
  /** Below it nothing may be lost any more. */
  safe = 0
  #log: PartitionLog | undefined
  #values = 0

  constructor(seed: number) {
    this.simulation = simulate({ seed })
    this.machine = this.simulation.machine('broker')
  }

  get log(): PartitionLog {
    if (this.#log === undefined) throw new Error('The log is not open')
    return this.#log
  }

  /** Opens the log, again if the machine stops or the disk fails meanwhile. */
  async open(): Promise<void> {
    for (;;) {
      if (!this.machine.isRunning) this.machine.restart()
      const { files, clock } = this.machine.platform
      const config = { ...defaultLogConfig, segmentBytes: 600, recoveryPointIntervalBytes: 400 }
      const folder = '/data/flights-0'
      const logger = silentLogger
      const opening = openPartitionLog({ files, clock, folder, config, logger, topicId })
      const opened = await this.#unlessStopped(
        opening.then(async log => {
          await files.syncFolder('/data')
          await files.syncFolder('/')
          return log
        }),
      )
      if (opened === undefined) continue
      this.#log = opened
      break
    }
    const { endOffset, startOffset } = this.log
    expect(endOffset).toBeGreaterThanOrEqual(this.safe)
    expect(endOffset).toBeLessThanOrEqual(this.written.length)
    expect(startOffset).toBeLessThanOrEqual(Math.max(this.start, this.nextStart))
    this.written.length = endOffset
    this.safe = endOffset
    this.start = startOffset
    this.compare()
  }

  /** Undefined when the machine stopped first or a file operation failed, of which the log may not have recovered. */
  async #unlessStopped<Value>(work: Promise<Value>): Promise<Value | undefined> {
    let outcome: { value: Value } | { error: unknown } | undefined
    work.then(
      value => (outcome = { value }),
      (error: unknown) => (outcome = { error }),
    )
    await this.simulation.run(() => outcome !== undefined || !this.machine.isRunning)
    if (!this.machine.isRunning || outcome === undefined) return undefined
    if ('value' in outcome) return outcome.value
    const { error } = outcome
    if (!(error instanceof MillraceError) || error.code !== 'FILE_ERROR') throw error
    this.machine.kill()
    return undefined
  }

  /** Does something with the log; after a fault the log is opened again. */
  async attempt(work: () => unknown): Promise<boolean> {
    const done = await this.#unlessStopped(
      (async () => {
        await work()
        return true
      })(),
    )
    if (done === true) return true
    await this.open()
    return false
  }

  /** Appends and waits until it is durable. What a full disk refuses is tried again. */
  async #write(entries: readonly Entry[], work: () => void): Promise<void> {
    for (;;) {
      const { platform } = this.machine
      try {
        work()
      } catch (error) {
        if (error instanceof AppendRefused && this.machine.isRunning) continue
        if (!this.machine.isRunning) return this.open()
        throw error
      }
      this.written.push(...entries)
      const end = this.written.length
      await this.attempt(() => this.log.durable(end))
      if (this.machine.platform === platform) this.safe = end
      return
    }
  }

  #sequence(producer: number): number {
    const entry = [...this.log.producers].find(known => known.producerId === BigInt(producer))
    return (entry?.batches.at(-1)?.lastSequence ?? -1) + 1
  }

  async send(producer: number, size: number): Promise<void> {
    const values = Array.from({ length: size }, () => `${producer}-${this.#values++}`)
    const entries = values.map(value => ({ producer, what: { value } }))
    await this.#write(entries, () => {
      const stamp = { id: BigInt(producer), epoch: 0, sequence: this.#sequence(producer) }
      const options = producer === 0 ? {} : { producer: stamp, isTransactional: true }
      append(this.log, batchOf(values, options))
    })
  }

  async end(producer: number, type: 'commit' | 'abort'): Promise<void> {
    await this.#write([{ producer, what: type }], () => {
      const marker = { producerId: BigInt(producer), producerEpoch: 0, coordinatorEpoch: 0, type }
      this.log.appendMarker(marker, { leaderEpoch: 0 })
    })
  }

  compare(): void {
    this.isLooking = true
    this.#compare()
    this.isLooking = false
  }

  #compare(): void {
    const open = new Map<number, number>()
    const committed = new Set<number>()
    for (const [offset, { producer, what }] of this.written.entries()) {
      if (typeof what === 'object') {
        if (producer === 0) committed.add(offset)
        else if (!open.has(producer)) open.set(producer, offset)
        continue
      }
      for (let at = open.get(producer) ?? offset; at < offset; at++) {
        if (what === 'commit' && this.written[at]?.producer === producer) committed.add(at)
      }
      open.delete(producer)
    }
    const visible = this.log.highWatermark
    const stable = Math.max(this.log.startOffset, Math.min(visible, ...open.values()))
    if (visible === this.written.length) expect(this.log.lastStableOffset).toBe(stable)
    const expected = this.written.flatMap(({ what }, offset) => {
      const isRead = committed.has(offset) && offset >= this.start
      return isRead && offset < this.log.lastStableOffset && typeof what === 'object'
        ? [what.value]
        : []
    })
    for (const maxBytes of [1, 400, 100_000]) {
      expect(readCommitted(this.log, maxBytes)).toEqual(expected)
    }
  }
}

/** One life in which the fault comes at the first operation from that number on that it can come at. */
async function live(fault: Fault | undefined, from: number): Promise<Operation | undefined> {
  const life = new Life(from)
  const { machine } = life
  let hit: Operation | undefined
  machine.onOperation = operation => {
    if (fault === undefined || hit !== undefined || operation.number < from) return
    if (life.isLooking) return
    if (fault !== 'EIO' && readingKinds.has(operation.kind)) return
    hit = operation
    if (fault === 'power loss') machine.crash()
    else if (fault === 'kill') machine.kill()
    else throw systemError(fault)
  }
  await life.open()
  for (let round = 0; round < 2; round++) {
    await life.send(1, 2)
    await life.send(2, 1)
    await life.send(0, 2)
    await life.end(1, round === 1 ? 'abort' : 'commit')
    await life.send(2, 2)
    await life.send(1, 1)
    life.compare()
    await life.end(2, 'abort')
    await life.attempt(() => life.log.takeRecoveryPoint())
    await life.end(1, 'abort')
    life.compare()
    const before = life.log.startOffset + 3
    life.nextStart = before
    await life.attempt(() => life.log.deleteRecordsBefore(before))
    life.start = life.log.startOffset
    life.compare()
    if (round === 0) {
      await life.attempt(() => life.log.close())
      if (machine.isRunning) machine.kill()
      await life.open()
    }
    // A follower that has to take back what was not durable; here nobody has seen it.
    life.safe = Math.max(life.start, life.written.length - 4)
    const isCut = await life.attempt(() => life.log.truncateTo(life.written.length - 2))
    if (isCut) life.written.length = life.log.endOffset
    life.compare()
    // What was cut may come back until something is written in its place.
    await life.send(0, 1)
  }
  machine.crash()
  await life.open()
  return hit
}

test.each(faults)('a partition with transactions bears this at any operation: %s', async fault => {
  await live(undefined, 0)
  let points = 0
  for (let from = 1; ; points++) {
    let hit: Operation | undefined
    try {
      hit = await live(fault, from)
    } catch (cause) {
      throw new Error(`${fault} at an operation from ${from} on`, { cause })
    }
    if (hit === undefined) break
    from = hit.number + 1
  }
  expect(points).toBeGreaterThan(150)
})
