/**
 * Compaction of a log with transactions, with kills and power losses in the middle of rounds: a reader of committed data
 * finds the same table as in the list of all that was written, and no more of what was aborted.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { endOf } from '../../../../src/broker/log/compaction/sparse-batches.ts'
import { defaultLogConfig, type LogConfig } from '../../../../src/broker/log/log-config.ts'
import { openPartitionLog, type PartitionLog } from '../../../../src/broker/log/partition-log.ts'
import { silentLogger } from '../../../../src/logger.ts'
import { simulate } from '../../../../src/platform/simulated/simulation.ts'
import { RecordReader } from '../../../../src/protocol/record-batch-reader.ts'
import { batchOf } from '../batches.ts'
import { readCommitted } from '../committed-reader.ts'
import { append, topicId } from '../log-world.ts'
import { tableOf } from './keyed-log.ts'

const config: LogConfig = {
  ...defaultLogConfig,
  isCompacted: true,
  minCleanableDirtyRatio: 0,
  deleteRetentionMs: 30,
  segmentBytes: 700,
  indexIntervalBytes: 150,
  recoveryPointIntervalBytes: 900,
  retentionMs: -1,
}

interface Written {
  readonly producer: number
  readonly key: string
  readonly value: string | null
  readonly marker?: 'commit' | 'abort'
}

type Step =
  | { kind: 'send'; producer: number; keys: string[] }
  | { kind: 'end'; producer: number; type: 'commit' | 'abort' }
  | { kind: 'compact'; faultMs: number | null; isPowerLoss: boolean }
  | { kind: 'pass' }
  | { kind: 'close' | 'crash' }

const producer = fc.integer({ min: 0, max: 3 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      producer,
      keys: fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer,
      type: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('compact' as const),
      faultMs: fc.option(fc.integer({ min: 0, max: 60 }), { freq: 2 }),
      isPowerLoss: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('close' as const, 'crash' as const) }),
  },
)

async function run(seed: number, steps: readonly Step[]): Promise<void> {
  const sim = simulate({ seed })
  const machine = sim.machine('broker')
  const written: Written[] = []
  let count = 0

  async function open(): Promise<PartitionLog> {
    if (!machine.isRunning) machine.restart()
    const { files, clock } = machine.platform
    const folder = '/data/table-0'
    const options = { files, clock, folder, config, logger: silentLogger, topicId }
    const opened = await sim.run(openPartitionLog(options))
    await sim.run(files.syncFolder('/data'))
    await sim.run(files.syncFolder('/'))
    expect(opened.endOffset).toBe(written.length)
    return opened
  }

  /** Producer 0 writes without transactions. */
  function send(log: PartitionLog, id: number, keys: readonly string[]): void {
    for (const key of keys) {
      const value = `${id}-${count++}`
      if (id === 0) append(log, batchOf([value], { key }))
      else {
        const entry = [...log.producers].find(({ producerId }) => producerId === BigInt(id))
        const sequence = (entry?.batches.at(-1)?.lastSequence ?? -1) + 1
        const of = { id: BigInt(id), epoch: 0, sequence }
        append(log, batchOf([value], { key, producer: of, isTransactional: true }))
      }
      written.push({ producer: id, key, value })
    }
  }

  function end(log: PartitionLog, id: number, type: 'commit' | 'abort'): void {
    if (id === 0) return
    const marker = { producerId: BigInt(id), producerEpoch: 0, type, coordinatorEpoch: 0 }
    log.appendMarker(marker, { leaderEpoch: 0 })
    written.push({ producer: id, key: '', value: '', marker: type })
  }

  /** The committed records below the first open transaction. */
  function committed(): Written[] {
    const waiting = new Map<number, number[]>()
    const fates: ('commit' | 'abort' | undefined)[] = written.map(entry =>
      entry.producer === 0 ? 'commit' : undefined,
    )
    written.forEach(({ producer: id, marker }, offset) => {
      if (id === 0) return
      const open = waiting.get(id) ?? []
      if (marker === undefined) waiting.set(id, [...open, offset])
      else {
        for (const at of open) fates[at] = marker
        waiting.delete(id)
      }
    })
    const stable = Math.min(written.length, ...[...waiting.values()].flat())
    return written.filter((entry, offset) => {
      return offset < stable && fates[offset] === 'commit' && entry.marker === undefined
    })
  }

  async function check(log: PartitionLog): Promise<void> {
    await sim.run(log.durable(log.endOffset))
    const found = readCommitted(log, 400)
    const expected = committed()
    // All that is found was committed, in its order, and makes the same table.
    const values = expected.map(({ value }) => value)
    expect(found).toEqual(values.filter(value => found.includes(value ?? '')))
    const seen = expected.filter(({ value }) => found.includes(value ?? ''))
    expect(tableOf(seen)).toEqual(tableOf(expected))
  }

  let log = await open()
  for (const current of steps) {
    switch (current.kind) {
      case 'send':
        send(log, current.producer, current.keys)
        break
      case 'end':
        end(log, current.producer, current.type)
        break
      case 'compact': {
        await sim.run(log.durable(log.endOffset))
        const { faultMs, isPowerLoss } = current
        const { platform } = machine
        const { timers, clock } = platform
        let isOver = false
        if (faultMs !== null) {
          sim.after(faultMs, () => {
            if (isOver || !machine.isRunning || machine.platform !== platform) return
            if (isPowerLoss) machine.crash()
            else machine.kill()
          })
        }
        const over = (): void => void (isOver = true)
        const round = { now: clock.now(), pause: () => timers.yield(), offsetMapBytes: 400 }
        log.compact(round).then(over, over)
        await sim.run(() => isOver || !machine.isRunning)
        if (!machine.isRunning) log = await open()
        break
      }
      case 'pass': {
        const until = sim.nowMs + 40
        sim.after(40, () => undefined)
        await sim.run(() => sim.nowMs >= until || !machine.isRunning)
        if (!machine.isRunning) log = await open()
        break
      }
      case 'close':
        await sim.run(log.close())
        machine.kill()
        log = await open()
        break
      case 'crash':
        machine.crash()
        log = await open()
        break
    }
    await check(log)
  }
}

test('a reader of committed data finds the same table, whatever happens meanwhile', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), fc.array(step, { maxLength: 50, size: 'max' }), run), {
    numRuns: 300,
  })
})

test('what was aborted goes at once, markers of which nothing is left go in time', async () => {
  const sim = simulate({ seed: 1 })
  const machine = sim.machine('broker')
  const { files, clock, timers } = machine.platform
  const folder = '/data/table-0'
  const options = { files, clock, folder, config, logger: silentLogger, topicId }
  const log = await sim.run(openPartitionLog(options))
  for (let n = 0; n < 12; n++) {
    const id = n % 2 === 0 ? 1n : 2n
    const of = { id, epoch: 0, sequence: Math.floor(n / 2) }
    append(log, batchOf([`${n}`], { key: 'k', producer: of, isTransactional: true }))
    const type = n % 2 === 0 ? 'abort' : 'commit'
    const marker = { producerId: id, producerEpoch: 0, type, coordinatorEpoch: 0 } as const
    log.appendMarker(marker, { leaderEpoch: 0 })
  }
  const fill = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) append(log, batchOf(['x'.repeat(400)], { key: `filler-${n}` }))
    await sim.run(log.durable(log.endOffset))
  }
  const compact = async (): Promise<void> => {
    await fill()
    const round = { now: clock.now(), pause: () => timers.yield() }
    await sim.run(log.compact(round))
  }
  const counts = (): { data: string[]; markers: number } => {
    const reader = new RecordReader()
    const data: string[] = []
    let markers = 0
    for (let at = log.startOffset; at < log.endOffset;) {
      const batches = log.read(at, 1_000_000)
      at = endOf(batches)
      reader.reset(batches)
      while (reader.next()) {
        if (reader.isControl) markers++
        else if (reader.key?.toString() === 'k') data.push(reader.value?.toString() ?? '')
      }
    }
    return { data, markers }
  }
  await sim.run(log.durable(log.endOffset))
  expect(counts().markers).toBe(12)
  await compact()
  expect(counts()).toEqual({ data: ['11'], markers: 12 })
  sim.after(100, () => undefined)
  const until = sim.nowMs + 100
  await sim.run(() => sim.nowMs >= until)
  await compact()
  // Those that end the last batches of the two producers stay, because these batches do.
  expect(counts()).toEqual({ data: ['11'], markers: 2 })
  expect(log.abortedTransactions(0, log.endOffset)).toEqual([])
  await sim.run(log.close())
})
