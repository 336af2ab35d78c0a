/** What the shell around the rules adds: what is durable before what, and what happens when the disk does not play along. */
import { beforeEach, describe, expect, test } from 'vitest'
import { brokerConfig } from '../../../src/broker/config.ts'
import {
  openTransactionCoordinator,
  type TransactionCoordinator,
} from '../../../src/broker/coordinator/transaction-coordinator.ts'
import type { Marker, MarkerWriter } from '../../../src/broker/coordinator/transaction-markers.ts'
import { internalTopicSpec } from '../../../src/broker/internal-topics.ts'
import { openTopics, type Topics } from '../../../src/broker/topics.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { Machine } from '../../../src/platform/simulated/machine.ts'
import { simulate, type Simulation } from '../../../src/platform/simulated/simulation.ts'
import { systemError } from '../../../src/platform/simulated/system-error.ts'
import { errorCode, errorName } from '../../../src/protocol/error-codes.ts'
import {
  consumerOffsetsTopic,
  transactionStateTopic,
} from '../../../src/protocol/internal-topics.ts'

const config = brokerConfig({
  transactionStateLogNumPartitions: 1,
  maxTransactionalIds: 3,
  transactionalIdExpirationMs: 500_000,
})
const DAY = 24 * 60 * 60 * 1000

let simulation: Simulation
let machine: Machine
let topics: Topics
let transactions: TransactionCoordinator
let lives = 0
let ids = 0n
/** What partitions were told, in order. */
let markers: string[]
/** What they answer; unless `held`. */
let markerCode: number
let held: (() => void)[] | null
/** Called before each marker. */
let beforeMarker: () => void

const writer: MarkerWriter = {
  async write(topic, partition, { type, producerId, producerEpoch }: Marker) {
    beforeMarker()
    const code = markerCode
    markers.push(`${type} ${topic}-${partition} ${producerId}/${producerEpoch} ${errorName(code)}`)
    if (held !== null) await new Promise<void>(resolve => held?.push(resolve))
    return code
  },
}

async function open(): Promise<void> {
  const { platform } = machine
  const shared = { platform, folder: '/data', config, logger: silentLogger }
  topics = await simulation.run(openTopics(shared))
  transactions = openTransactionCoordinator({
    ...shared,
    topics,
    producerIds: { next: async () => ++ids },
    markers: writer,
    newestConnection: () => 1,
    leaderEpoch: ++lives,
    ensureTopic: () => topics.ensure(internalTopicSpec(transactionStateTopic, config)),
    offsetsTopic: () => topics.ensure(internalTopicSpec(consumerOffsetsTopic, config)),
  })
}

async function restart(how: 'crash' | 'kill'): Promise<void> {
  if (machine.isRunning) machine[how]()
  machine.restart()
  await open()
}

beforeEach(async () => {
  simulation = simulate({ seed: 7 })
  machine = simulation.machine('broker')
  machine.platform.files.makeFolder('/data')
  markers = []
  markerCode = errorCode.NONE
  held = null
  beforeMarker = () => undefined
  ids = 0n
  await open()
})

const never = new AbortController().signal

async function init(transactionalId = 't', ended = never, timeoutMs = 10_000): Promise<string> {
  const request = { transactionalId, timeoutMs, expected: null }
  const made = await transactions.initProducerId(request, ended)
  return made.errorCode === errorCode.NONE
    ? `${made.producerId}/${made.producerEpoch}`
    : errorName(made.errorCode)
}

async function phase(): Promise<string> {
  const known = await run(transactions.describe('t'))
  return typeof known === 'number' ? errorName(known) : (known?.phase ?? 'unknown')
}

function asked(producerEpoch: number, producerId = 1n) {
  return { producer: { producerId, producerEpoch }, connection: 1 }
}

async function add(partition: number, epoch = 0): Promise<string> {
  const partitions = new Map([['topic', new Set([partition])]])
  return errorName(await transactions.addPartitions('t', { ...asked(epoch), partitions }))
}

async function end(type: 'abort' | 'commit', epoch = 0): Promise<string> {
  return errorName(await transactions.endTxn('t', { ...asked(epoch), type }))
}

function isOngoing(partition: number, epoch = 0, id = 1n): string {
  return errorName(transactions.isOngoing('t', id, epoch, 'topic', partition))
}

function run<Value>(work: Promise<Value>): Promise<Value> {
  return simulation.run(work)
}

/** Lets virtual time pass. */
async function pass(ms: number): Promise<void> {
  let isOver = false
  simulation.after(ms, () => (isOver = true))
  await simulation.run(() => isOver, { maxVirtualMs: 30 * DAY })
}

async function begun(): Promise<void> {
  expect(await run(init())).toBe('1/0')
  expect(await run(add(0))).toBe('NONE')
  expect(await run(add(1))).toBe('NONE')
}

describe('the end of a transaction', () => {
  test('is answered when every partition has its marker', async () => {
    await begun()
    held = []
    let answer = ''
    const ending = end('commit').then(code => (answer = code))
    await pass(1000)
    expect(markers).toEqual(['commit topic-0 1/0 NONE', 'commit topic-1 1/0 NONE'])
    expect(answer).toBe('')
    expect(await phase()).toBe('PrepareCommit')
    expect(await run(end('commit')), 'asked again').toBe('CONCURRENT_TRANSACTIONS')
    held[0]?.()
    await pass(1000)
    expect(answer).toBe('')
    held[1]?.()
    await run(ending)
    expect(answer).toBe('NONE')
    expect(await run(end('commit')), 'asked again').toBe('NONE')
    expect(await phase()).toBe('CompleteCommit')
  })

  test.each(['crash', 'kill'] as const)(
    'is decided before the first marker: a %s then takes nothing of it back',
    async how => {
      await begun()
      beforeMarker = () => {
        if (machine.isRunning) machine[how]()
      }
      void end('commit')
      await simulation.run(() => !machine.isRunning)
      beforeMarker = () => undefined
      markers = []
      await restart(how)
      await pass(1000)
      expect(markers).toEqual(['commit topic-0 1/0 NONE', 'commit topic-1 1/0 NONE'])
      expect(await phase()).toBe('CompleteCommit')
    },
  )

  test('that a crash takes back has not been written to any partition', async () => {
    await begun()
    void end('commit')
    machine.crash()
    await restart('crash')
    await pass(1)
    expect(markers).toEqual([])
    expect(await phase()).toBe('Ongoing')
    expect(await run(end('abort'))).toBe('NONE')
    expect(markers).toEqual(['abort topic-0 1/0 NONE', 'abort topic-1 1/0 NONE'])
  })

  test('is tried again in the partitions that do not take it, until they do', async () => {
    await begun()
    markerCode = errorCode.KAFKA_STORAGE_ERROR
    let answer = ''
    const ending = end('commit').then(code => (answer = code))
    await pass(10_000)
    expect(markers.length).toBeGreaterThan(10)
    expect(answer).toBe('')
    expect(await run(add(2))).toBe('CONCURRENT_TRANSACTIONS')
    markers = []
    markerCode = errorCode.NONE
    await run(ending)
    expect(answer).toBe('NONE')
    expect(markers).toEqual(['commit topic-0 1/0 NONE', 'commit topic-1 1/0 NONE'])
  })

  test.each([
    errorCode.UNKNOWN_TOPIC_OR_PARTITION,
    errorCode.INVALID_PRODUCER_EPOCH,
    errorCode.TRANSACTION_COORDINATOR_FENCED,
  ])('needs no marker where the partition answers %s', async code => {
    await begun()
    markerCode = code
    expect(await run(end('commit'))).toBe('NONE')
    expect(markers).toHaveLength(2)
  })

  test('is refused while the disk is full, and can be asked for again', async () => {
    await begun()
    machine.onOperation = ({ kind }) => {
      if (kind === 'write') throw systemError('ENOSPC')
    }
    expect(await run(end('commit'))).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(isOngoing(0)).toBe('NONE')
    expect(markers).toEqual([])
    machine.onOperation = undefined
    expect(await run(end('commit'))).toBe('NONE')
    expect(markers).toHaveLength(2)
  })

  test('goes on when the disk is full once it is decided', async () => {
    await begun()
    beforeMarker = () => {
      machine.onOperation = ({ kind }) => {
        if (kind === 'write') throw systemError('ENOSPC')
      }
    }
    const ending = end('commit')
    await pass(5000)
    expect(await phase()).toBe('PrepareCommit')
    machine.onOperation = undefined
    expect(await run(ending)).toBe('NONE')
    expect(markers, 'once each').toHaveLength(2)
  })

  test('is not decided by a record that may not be stored: a failed flush', async () => {
    await begun()
    machine.onOperation = ({ kind }) => {
      if (kind === 'sync') throw systemError('EIO')
    }
    expect(await run(end('commit'))).toBe('COORDINATOR_NOT_AVAILABLE')
    machine.onOperation = undefined
    expect(await run(end('commit'))).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await run(init())).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(isOngoing(0)).toBe('CONCURRENT_TRANSACTIONS')
    await pass(60_000)
    expect(markers).toEqual([])
    await restart('crash')
    await pass(60_000)
    expect(new Set(markers.map(marker => marker.split(' ')[0])).size, 'one outcome').toBe(1)
    expect(markers).toHaveLength(2)
  })

  test('is answered when the broker stops', async () => {
    await begun()
    held = []
    const ending = end('commit')
    const starting = init()
    await pass(100)
    transactions.stop()
    expect(await run(ending)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await run(starting)).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await run(add(0))).toBe('COORDINATOR_NOT_AVAILABLE')
  })
})

describe('a batch of a transaction', () => {
  test('is let in once its partition is durably part of it, and until the end is asked for', async () => {
    expect(isOngoing(0)).toBe('INVALID_PRODUCER_ID_MAPPING')
    await run(init())
    expect(isOngoing(0)).toBe('INVALID_TXN_STATE')
    const adding = add(0)
    await simulation.run(() => isOngoing(0) !== 'INVALID_TXN_STATE')
    expect(isOngoing(0), 'a crash would forget of it').toBe('CONCURRENT_TRANSACTIONS')
    await run(adding)
    expect(isOngoing(0)).toBe('NONE')
    expect(isOngoing(1)).toBe('INVALID_TXN_STATE')
    expect(isOngoing(0, 1)).toBe('INVALID_PRODUCER_EPOCH')
    expect(isOngoing(0, 0, 2n)).toBe('INVALID_PRODUCER_ID_MAPPING')
    const ending = end('abort')
    await pass(0)
    expect(isOngoing(0)).toBe('CONCURRENT_TRANSACTIONS')
    await run(ending)
    expect(isOngoing(0)).toBe('INVALID_TXN_STATE')
    expect(await run(add(1))).toBe('NONE')
    expect(isOngoing(0)).toBe('INVALID_TXN_STATE')
  })

  test('is let in where the group of committed offsets is kept', async () => {
    await run(init())
    expect(await run(transactions.addOffsets('t', 'g', asked(0)))).toBe(errorCode.NONE)
    const partition = 'g'.charCodeAt(0) % config.offsetsTopicNumPartitions
    const code = transactions.isOngoing('t', 1n, 0, consumerOffsetsTopic, partition)
    expect(code).toBe(errorCode.NONE)
    expect(transactions.holds(1n, consumerOffsetsTopic, partition)).toBe(true)
    expect(transactions.holds(1n, consumerOffsetsTopic, partition + 1)).toBe(false)
    expect(transactions.holds(2n, consumerOffsetsTopic, partition)).toBe(false)
  })
})

describe('a producer that starts', () => {
  test('waits for the end of what the one before left open', async () => {
    await begun()
    expect(await run(init())).toBe('1/2')
    expect(markers).toEqual(['abort topic-0 1/1 NONE', 'abort topic-1 1/1 NONE'])
    expect(await run(end('commit'))).toBe('PRODUCER_FENCED')
  })

  test('and whose connection is gone meanwhile gets no epoch', async () => {
    await begun()
    held = []
    const gone = new AbortController()
    const starting = init('t', gone.signal)
    await pass(100)
    gone.abort()
    for (const go of held) go()
    held = null
    expect(await run(starting)).toBe('CONCURRENT_TRANSACTIONS')
    expect(await run(transactions.describe('t'))).toMatchObject({ producerEpoch: 1 })
  })

  test('several at once: each gets another instance', async () => {
    const made = await run(Promise.all([init(), init(), init(), init('u')]))
    const id = made[0].split('/')[0]
    expect(made.slice(0, 3).sort()).toEqual([`${id}/0`, `${id}/1`, `${id}/2`])
    expect(new Set(made).size).toBe(4)
  })

  test('is refused when there are too many ids', async () => {
    for (const id of ['a', 'b', 'c']) await run(init(id))
    expect(await run(init('d'))).toBe('POLICY_VIOLATION')
    expect(await run(init('c'))).toBe('3/1')
    await pass(500_000)
    expect(await run(init('d'))).toBe('4/0')
  })
})

describe('time', () => {
  test('aborts a transaction that takes too long', async () => {
    await begun()
    await pass(9000)
    expect(markers).toEqual([])
    await pass(1500)
    expect(markers).toEqual(['abort topic-0 1/1 NONE', 'abort topic-1 1/1 NONE'])
    expect(await run(end('commit'))).toBe('PRODUCER_FENCED')
  })

  test('goes on while the broker is away', async () => {
    await begun()
    await pass(4000)
    machine.crash()
    await pass(4000)
    await restart('crash')
    await pass(1000)
    expect(markers).toEqual([])
    expect(isOngoing(0)).toBe('NONE')
    await pass(1500)
    expect(markers).toEqual(['abort topic-0 1/1 NONE', 'abort topic-1 1/1 NONE'])
  })

  test.each([-DAY, DAY])('is not fooled by a wall clock that was set by %d ms', async byMs => {
    await begun()
    machine.crash()
    machine.stepClock(byMs)
    await restart('crash')
    await pass(10_500)
    expect(markers).toHaveLength(2)
  })

  test('does not abort what cannot be written, and does later', async () => {
    await begun()
    machine.onOperation = ({ kind }) => {
      if (kind === 'write') throw systemError('ENOSPC')
    }
    await pass(15_000)
    expect(markers).toEqual([])
    machine.onOperation = undefined
    await pass(1000)
    expect(markers).toEqual(['abort topic-0 1/1 NONE', 'abort topic-1 1/1 NONE'])
  })

  test('makes an id that nobody uses unknown, for good', async () => {
    await begun()
    await run(end('commit'))
    await pass(499_000)
    expect(await run(transactions.list())).toHaveLength(1)
    await pass(2000)
    expect(await run(transactions.list())).toEqual([])
    expect(await run(add(0))).toBe('INVALID_PRODUCER_ID_MAPPING')
    await restart('crash')
    expect(await run(transactions.list())).toEqual([])
    expect(await run(init())).toBe('2/0')
  })

  test('with a restart in between makes it unknown as well', async () => {
    await begun()
    await run(end('commit'))
    await pass(400_000)
    await restart('kill')
    await pass(99_000)
    expect(await run(transactions.list())).toHaveLength(1)
    await pass(2000)
    expect(await run(transactions.list())).toEqual([])
  })
})

test('what is described is told when it is durable', async () => {
  expect(await run(transactions.describe('t'))).toBeNull()
  await run(init())
  const adding = add(0)
  await simulation.run(() => isOngoing(0) === 'CONCURRENT_TRANSACTIONS')
  const described = transactions.describe('t')
  machine.crash()
  await restart('crash')
  void adding
  expect(await phase(), 'the crash has taken it back').toBe('Empty')
  expect(await Promise.race([described, Promise.resolve('not told')])).toBe('not told')
  expect(await run(add(0))).toBe('NONE')
  expect(await run(transactions.describe('t'))).toMatchObject({
    phase: 'Ongoing',
    timeoutMs: 10_000,
  })
  expect(await run(transactions.describe('u'))).toBeNull()
})
