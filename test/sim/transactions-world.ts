/**
 * Transactional producers on machines of their own, a reader of committed records, and a broker to which all of faults.ts
 * happens. Afterwards, and for the reader at every moment, each transaction is in all of its partitions or in none: in all
 * when its producer was told that it was committed, in none when it never asked for that. Offsets go with the records.
 */
import type { Platform } from '../../src/platform/platform.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { type SeededRandom, seededRandom } from '../../src/platform/simulated/seeded-random.ts'
import { simulate } from '../../src/platform/simulated/simulation.ts'
import { pause } from '../../src/runtime/pause.ts'
import {
  committedOffset,
  createTopic,
  ManualProducer,
  readCommitted,
} from '../broker/transactional-requests.ts'
import { drawFaults, type FaultCounts, letFaultsHappen } from './faults.ts'
import { isFinalCode, Patient } from './patient.ts'
import { WatchedBroker } from './watched-broker.ts'

const TOPIC = 'records'
const PARTITIONS = 3
const TIMEOUT_MS = 4000

export interface TransactionsRun {
  /** The promise that was broken first, as a sentence. */
  readonly violation: string | undefined
  readonly faults: FaultCounts
  /** How many transactions there were, by what became of them. */
  readonly transactions: ReadonlyMap<string, number>
  /** Requests to end a transaction that came when the next was open. */
  readonly lateRequests: number
  readonly traceHash: string
}

/** What a producer did in one transaction and was told of it. */
interface Told {
  readonly name: string
  readonly id: string
  readonly sent: { readonly partition: number; readonly value: string }[]
  /** Offset that it tried to commit in the transaction, and that was taken. */
  tried: number | null
  offset: number | null
  asked: 'abort' | 'commit' | null
  end: 'abort' | 'commit' | 'refused' | null
}

/** One life of a producer: transaction after transaction as long as `goesOn` says so. */
async function produce(
  platform: Platform,
  id: string,
  life: number,
  random: SeededRandom,
  history: Told[],
  goesOn: () => boolean,
  onLate: () => void,
): Promise<void> {
  const patient = new Patient(platform)
  let producer: ManualProducer | null = null
  const ask = (work: (producer: ManualProducer) => Promise<string>): Promise<string> =>
    patient.ask(connection => {
      producer ??= new ManualProducer(connection, id)
      producer.connection = connection
      return work(producer)
    }, isFinalCode)

  /** A producer that gave up a connection asks again on another; then its old question comes, in the next transaction. */
  function arriveLate(): void {
    if (producer === null) return
    const { instance } = producer
    const type = random.chance(0.5) ? 'commit' : 'abort'
    const arrived = patient.arrive(connection => {
      const late = new ManualProducer(connection, id)
      late.instance = instance
      return late.end(type)
    })
    if (arrived) onLate()
  }

  async function transact(told: Told): Promise<string> {
    if (random.chance(0.2)) patient.giveUp()
    const count = 1 + random.below(4)
    for (let n = 0; n < count; n++) {
      const partition = random.below(PARTITIONS)
      const value = `${told.name}:${n}`
      const added = await ask(known => known.add(TOPIC, [partition]))
      if (added !== 'NONE') return added
      told.sent.push({ partition, value })
      const sent = await ask(known => known.send(TOPIC, partition, [value]))
      if (sent !== 'NONE') return sent
    }
    if (random.chance(0.4)) {
      const added = await ask(known => known.addOffsets(id))
      if (added !== 'NONE') return added
      const offset = history.length
      told.tried = offset
      const committed = await ask(known => known.commitOffset(id, TOPIC, offset))
      if (committed !== 'NONE') return committed
      told.offset = offset
    }
    if (random.chance(0.05)) await pause(platform.timers, TIMEOUT_MS)
    if (random.chance(0.3)) arriveLate()
    const type = random.chance(0.7) ? 'commit' : 'abort'
    told.asked = type
    const code = await ask(known => known.end(type))
    if (code === 'NONE') told.end = type
    return code
  }

  for (let n = 0, isReady = false; goesOn(); n++) {
    if (!isReady) {
      const made = await ask(known => known.init({ timeoutMs: TIMEOUT_MS }))
      if (made !== 'NONE') throw new Error(`${id} does not start: ${made}`)
      isReady = true
    }
    const name = `${id}.${life}.${n}`
    const told: Told = { name, id, sent: [], tried: null, offset: null, asked: null, end: null }
    history.push(told)
    const code = await transact(told)
    if (code !== 'NONE') {
      told.end = 'refused'
      isReady = false
    }
  }
  await patient.close()
}

export async function runTransactions(seed: number): Promise<TransactionsRun> {
  const random = seededRandom(seed, 'plan')
  const enabled = drawFaults(random).filter(kind => kind !== 'member killed')
  const simulation = simulate({
    seed,
    resetChance: enabled.includes('reset on the way') ? 0.005 : 0,
    syncMs: random.chance(0.3) ? { min: 1, max: 40 } : { min: 0.1, max: 5 },
  })
  let violation: string | undefined
  const broken = (sentence: string): void => void (violation ??= sentence)
  const broker = new WatchedBroker(simulation, {
    config: {
      transactionStateLogNumPartitions: 1 + random.below(2),
      transactionStateLogSegmentBytes: 4_000,
      offsetsTopicNumPartitions: 2,
      offsetsTopicSegmentBytes: 2_000,
    },
    broken,
  })
  const watch = (name: string, work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => broken(`${name} failed: ${String(error)}`))
  const history: Told[] = []
  const faults: FaultCounts = {}
  const producers = ['p', 'q', 'r'].map(name => simulation.machine(name))
  const working = new Map<Machine, Promise<void>>()
  let lives = 0
  let lateRequests = 0
  const onLate = (): void => void (lateRequests += 1)
  let areFaultsOver = false
  let isReadEnough = false

  const startProducer = (machine: Machine): void => {
    const life = ++lives
    const { name, platform } = machine
    const goesOn = (): boolean => !areFaultsOver || history.length < 30
    const own = seededRandom(seed, `${name} ${life}`)
    working.set(machine, watch(name, produce(platform, name, life, own, history, goesOn, onLate)))
  }

  async function killProducer(): Promise<void> {
    const machine = producers[random.below(producers.length)]
    if (machine === undefined) return
    machine.kill()
    await new Promise<void>(resolve => simulation.after(random.below(100), resolve))
    machine.restart()
    startProducer(machine)
  }

  /** What readers of committed records found so far: later ones find that and more. */
  const found: string[][] = Array.from({ length: PARTITIONS }, () => [])

  async function read(patient: Patient): Promise<boolean> {
    let isAllStable = true
    for (const [partition, before] of found.entries()) {
      const { values, lastStableOffset, highWatermark } = await patient.ask(connection =>
        readCommitted(connection, TOPIC, partition),
      )
      if (before.some((value, n) => values[n] !== value)) {
        broken(
          `Partition ${partition} was read as ${before.join(' ')}, then as ${values.join(' ')}`,
        )
      }
      found[partition] = values
      const stableBefore = stableEnds[partition] ?? 0
      if (lastStableOffset < stableBefore) {
        broken(
          `The stable end of ${partition} went back from ${stableBefore} to ${lastStableOffset}`,
        )
      }
      stableEnds[partition] = lastStableOffset
      isAllStable &&= lastStableOffset === highWatermark
    }
    for (const { name } of producers) {
      const offset = await patient.ask(connection => committedOffset(connection, name, TOPIC))
      // A name instead of a number: the offset is pending in a transaction that is open.
      if (typeof offset === 'number') checkCommitted(name, offset)
    }
    return isAllStable
  }

  const stableEnds: number[] = []
  const committedOffsets = new Map<string, number>()

  /** What anybody is told of the offset of a group, at any time. */
  function checkCommitted(id: string, offset: number): void {
    const before = committedOffsets.get(id) ?? -1
    if (offset < before) broken(`The offset of ${id} went back from ${before} to ${offset}`)
    committedOffsets.set(id, offset)
    const told = history.find(each => each.id === id && each.tried === offset)
    if (offset >= 0 && told?.asked !== 'commit') {
      broken(`The offset ${offset} of ${id} is committed, and nobody asked for that`)
    }
  }

  async function live(): Promise<void> {
    broker.start()
    const reader = new Patient(simulation.machine('reader').platform)
    await reader.ask(connection => createTopic(connection, TOPIC, PARTITIONS))
    for (const machine of producers) startProducer(machine)
    const { timers: readerTimers } = simulation.machine('reader').platform
    const readOn = async (): Promise<void> => {
      await read(reader)
      if (isReadEnough) return
      await pause(readerTimers, 50)
      await readOn()
    }
    const reading = watch('The reader', readOn())
    const victims = { simulation, broker, killProducer, killMember: () => Promise.resolve() }
    await letFaultsHappen(enabled, random, victims, faults)
    areFaultsOver = true
    await Promise.all(working.values())
    isReadEnough = true
    await reading
    broker.stop('power loss')
    broker.start()
    const late = new Patient(simulation.machine('late reader').platform)
    const { timers } = simulation.machine('late reader').platform
    for (let round = 0; !(await read(late)); round++) {
      if (round > 100) return broken('A transaction stays open')
      await pause(timers, 100)
    }
    for (const machine of producers) {
      const { name } = machine
      const offset = await late.ask(connection => committedOffset(connection, name, TOPIC))
      checkOffset(name, offset)
    }
    checkRecords()
    await late.close()
  }

  const transactions = new Map<string, number>()

  function isVisible({ sent }: Told): boolean {
    return sent.some(({ partition, value }) => found[partition]?.includes(value) === true)
  }

  function checkRecords(): void {
    for (const values of found) {
      if (new Set(values).size < values.length) broken(`There are doubles in ${values.join(' ')}`)
    }
    for (const told of history) {
      const { name, sent, asked, end } = told
      const there = sent.filter(
        ({ partition, value }) => found[partition]?.includes(value) === true,
      )
      const what = `${name} (asked ${asked}, told ${end})`
      if (there.length > 0 && asked !== 'commit') broken(`Records of ${what} are there`)
      if (there.length > 0 && there.length < sent.length) broken(`Only a part of ${what} is there`)
      if (there.length === 0 && end === 'commit') broken(`Nothing of ${what} is there`)
      const became = `${asked ?? 'not asked'}, ${end ?? 'not told'}${there.length > 0 ? ', there' : ''}`
      transactions.set(became, (transactions.get(became) ?? 0) + 1)
    }
  }

  function checkOffset(id: string, committed: number | string): void {
    const last = history.findLast(told => told.id === id && told.offset !== null && isVisible(told))
    if (committed !== (last?.offset ?? -1)) {
      broken(`The offset of ${id} is ${committed}, but ${last?.name} committed ${last?.offset}`)
    }
  }

  try {
    const life = watch('The run', live())
    let isOver = false
    void life.then(() => (isOver = true))
    await simulation.run(() => isOver || violation !== undefined, { maxVirtualMs: 600_000 })
  } catch (error) {
    broken(error instanceof Error ? error.message : String(error))
  }
  return { violation, faults, transactions, lateRequests, traceHash: simulation.trace.hash }
}
