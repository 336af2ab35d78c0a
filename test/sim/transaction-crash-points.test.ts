/**
 * One small life of a broker with transactions (commits and aborts over two partitions, offsets among them, a clean restart,
 * one that is left open, topics of the coordinators that roll and are compacted), and then again for every file operation
 * of it with a fault just there. Whatever the operation was: each transaction is whole, offsets go with the records, and in
 * the end none is open.
 */
import { AssertionError } from 'node:assert'
import { describe, expect, test } from 'vitest'
import type { Operation, OperationKind } from '../../src/platform/simulated/operation.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { systemError } from '../../src/platform/simulated/system-error.ts'
import { pause } from '../../src/runtime/pause.ts'
import { committedOffset, ManualProducer, readCommitted } from '../broker/transactional-requests.ts'
import { connect } from './actors.ts'
import { isFinalCode, Patient } from './patient.ts'
import { WatchedBroker } from './watched-broker.ts'

const faults = ['power loss', 'kill', 'ENOSPC', 'EIO'] as const
type Fault = (typeof faults)[number]

/** They leave nothing that a process could be stopped before or after, and need no space. */
const readingKinds: ReadonlySet<OperationKind> = new Set(['read', 'list', 'size'])

/** All of them take a minute. */
const stride = process.env['CI'] === undefined ? 5 : 1

const topic = 'records'
const group = 'group'
const partitions = [0, 1]
const timeoutMs = 2_000

interface Life {
  readonly violation: string | undefined
  /** The operation that was hit; undefined when there were not so many. */
  readonly hit: Operation | undefined
  readonly operations: number
}

interface Told {
  readonly name: string
  readonly offset: number
  asked: 'commit' | 'abort' | null
  end: 'commit' | 'abort' | null
}

/** A producer that goes on, as another instance if need be, until its transaction has ended as it wants. */
class Persistent {
  readonly told: Told[] = []
  readonly #patient: Patient
  #producer: ManualProducer | undefined
  #isReady = false

  constructor(patient: Patient) {
    this.#patient = patient
  }

  async #ask(work: (producer: ManualProducer) => Promise<string>): Promise<void> {
    const code = await this.#patient.ask(connection => {
      this.#producer ??= new ManualProducer(connection, 'id')
      this.#producer.connection = connection
      return work(this.#producer)
    }, isFinalCode)
    if (code !== 'NONE') throw new Refused(code)
  }

  /** `end` null leaves the transaction open. */
  async transact(end: 'commit' | 'abort' | null): Promise<void> {
    for (;;) {
      const offset = this.told.length
      const told: Told = { name: `transaction-${offset}`, offset, asked: null, end: null }
      this.told.push(told)
      try {
        if (!this.#isReady) await this.#ask(producer => producer.init({ timeoutMs }))
        this.#isReady = true
        await this.#ask(producer => producer.add(topic, partitions))
        for (const partition of partitions) {
          await this.#ask(producer => producer.send(topic, partition, [told.name, told.name]))
        }
        await this.#ask(producer => producer.addOffsets(group))
        await this.#ask(producer => producer.commitOffset(group, topic, told.offset))
        if (end === null) return
        told.asked = end
        await this.#ask(producer => producer.end(end))
        told.end = end
        return
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        this.#isReady = false
      }
    }
  }
}

class Refused extends Error {}

/** One life in which the fault comes at the first operation from that number on that it can come at. */
async function live(fault: Fault | undefined, from: number): Promise<Life> {
  const simulation = simulate({ seed: from })
  let violation: string | undefined
  const broken = (sentence: string): void => void (violation ??= sentence)
  const broker = new WatchedBroker(simulation, {
    broken,
    config: {
      offsetsTopicNumPartitions: 1,
      offsetsTopicSegmentBytes: 1_500,
      transactionStateLogNumPartitions: 1,
      transactionStateLogSegmentBytes: 1_500,
      logRetentionCheckIntervalMs: 120,
    },
  })
  const { machine } = broker
  let hit: Operation | undefined
  machine.onOperation = current => {
    if (fault === undefined || hit !== undefined || current.number < from) return
    if (fault !== 'EIO' && readingKinds.has(current.kind)) return
    hit = current
    if (fault === 'power loss' || fault === 'kill') {
      broker.stop(fault)
      simulation.after(20, () => broker.start())
    } else {
      broker.hasDiskFaults = true
      throw systemError(fault)
    }
  }
  const user = simulation.machine('user').platform

  async function wholeLife(): Promise<void> {
    broker.start()
    const client = connect(user)
    const configs = { 'segment.bytes': '600', 'retention.ms': '-1' }
    await client.createTopics([{ name: topic, partitions: partitions.length, configs }])
    await client.close()
    const patient = new Patient(user)
    const producer = new Persistent(patient)
    await producer.transact('commit')
    await producer.transact('abort')
    await broker.close()
    broker.start()
    await producer.transact('commit')
    await producer.transact(null)
    broker.stop('power loss')
    broker.start()
    await check(producer.told, patient)
    await patient.close()
  }

  async function check(told: readonly Told[], patient: Patient): Promise<void> {
    const found: string[][] = []
    for (const partition of partitions) {
      await eventually('A transaction stays open', async () => {
        const { values, lastStableOffset, highWatermark } = await patient.ask(connection =>
          readCommitted(connection, topic, partition),
        )
        found[partition] = values
        return lastStableOffset === highWatermark
      })
    }
    const committed = new Set<string>()
    for (const { name, asked, end } of told) {
      const counts = found.map(values => values.filter(value => value === name).length)
      const what = `${name} (asked ${asked}, told ${end}) is there ${counts.join(' and ')} times`
      const isThere = counts.every(count => count === 2)
      if (!isThere && counts.some(count => count > 0)) broken(what)
      if (isThere !== (end === 'commit') && !(asked === 'commit' && end === null)) broken(what)
      if (isThere) committed.add(name)
    }
    const last = told.findLast(({ name }) => committed.has(name))
    await eventually('An offset stays pending', async () => {
      const offset = await patient.ask(connection => committedOffset(connection, group, topic))
      if (typeof offset === 'string') return false
      if (offset !== (last?.offset ?? -1)) broken(`Offset ${offset} goes with ${last?.name}`)
      return true
    })
  }

  /** Also after the fault, which may hit what looks. */
  async function eventually(sentence: string, isSo: () => Promise<boolean>): Promise<void> {
    for (let round = 0; round < 100; round++) {
      try {
        if (await isSo()) return
      } catch (error) {
        if (fault === undefined || !(error instanceof AssertionError)) throw error
      }
      await pause(user.timers, 100)
    }
    broken(sentence)
  }

  try {
    await simulation.run(wholeLife(), { maxVirtualMs: 100_000 })
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  return { violation, hit, operations: machine.operations }
}

describe('a broker with transactions', () => {
  test.each(faults)('bears this at any file operation: %s', async fault => {
    const { operations, violation } = await live(undefined, 0)
    expect(violation).toBeUndefined()
    let points = 0
    for (let from = 1; ; points++) {
      const life = await live(fault, from)
      const { hit } = life
      expect(
        life.violation,
        `${fault} at ${hit?.number} (from ${from}), ${hit?.kind} ${hit?.path}`,
      ).toBeUndefined()
      if (hit === undefined) break
      from = hit.number + stride
    }
    // Not every operation is one that it can come at, and each seed flushes a little differently.
    expect(points).toBeGreaterThan(operations / 3 / stride)
  })
})
