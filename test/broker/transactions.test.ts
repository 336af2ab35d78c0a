/** Transactions over requests, one by one, on a broker in the simulation: every answer, and what readers see. */
import { beforeEach, describe, expect, test } from 'vitest'
import { type Broker, openBroker } from '../../src/broker/broker.ts'
import type { Connection } from '../../src/client/connection.ts'
import type { Machine } from '../../src/platform/simulated/machine.ts'
import { simulate, type Simulation } from '../../src/platform/simulated/simulation.ts'
import { systemError } from '../../src/platform/simulated/system-error.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { findCoordinator } from '../../src/protocol/messages/10-find-coordinator.ts'
import { initProducerId } from '../../src/protocol/messages/22-init-producer-id.ts'
import { addPartitionsToTxn } from '../../src/protocol/messages/24-add-partitions-to-txn.ts'
import { writeTxnMarkers } from '../../src/protocol/messages/27-write-txn-markers.ts'
import { describeTransactions } from '../../src/protocol/messages/65-describe-transactions.ts'
import { listTransactions } from '../../src/protocol/messages/66-list-transactions.ts'
import { transactionStateTopic } from '../../src/protocol/internal-topics.ts'
import {
  committedOffset,
  createTopic,
  ManualProducer,
  readCommitted,
  transactionalBatch,
} from './transactional-requests.ts'

let simulation: Simulation
let machine: Machine
let broker: Broker
let connection: Connection
let producer: ManualProducer

async function open(): Promise<void> {
  const { platform } = machine
  const config = { transactionStateLogNumPartitions: 2, offsetsTopicNumPartitions: 2 }
  broker = await run(openBroker({ platform, folder: '/data', config }))
  connection = await connect()
}

function connect(): Promise<Connection> {
  return run(broker.connector()({ host: 'broker', port: 0 }))
}

async function restart(how: 'crash' | 'kill' | 'close'): Promise<void> {
  if (how === 'close') {
    await run(broker.close())
  } else {
    if (machine.isRunning) machine[how]()
    machine.restart()
  }
  machine.onOperation = undefined
  await open()
  producer.connection = connection
}

function run<Value>(work: Promise<Value>): Promise<Value> {
  return simulation.run(work)
}

async function pass(ms: number): Promise<void> {
  let isOver = false
  simulation.after(ms, () => (isOver = true))
  await simulation.run(() => isOver)
}

async function committed(partition = 0): Promise<string> {
  const { values, lastStableOffset, highWatermark } = await run(
    readCommitted(connection, 't', partition),
  )
  const open = highWatermark === lastStableOffset ? '' : ' and something open'
  return values.join(' ') + open
}

beforeEach(async () => {
  simulation = simulate({ seed: 11 })
  machine = simulation.machine('broker')
  await open()
  await run(createTopic(connection, 't', 3))
  producer = new ManualProducer(connection, 'id')
})

/** A transaction with records in two partitions and an offset. */
async function begin(value: string, offset = 5): Promise<void> {
  if (producer.instance.producerId === -1n) expect(await run(producer.init())).toBe('NONE')
  expect(await run(producer.add('t', [0, 1]))).toBe('NONE')
  expect(await run(producer.send('t', 0, [`${value}0`]))).toBe('NONE')
  expect(await run(producer.send('t', 1, [`${value}1`]))).toBe('NONE')
  expect(await run(producer.addOffsets('g'))).toBe('NONE')
  expect(await run(producer.commitOffset('g', 't', offset))).toBe('NONE')
}

/** Everything that the transactions have done, in all places. */
async function everything(): Promise<string> {
  const offset = await run(committedOffset(connection, 'g', 't'))
  return `${await committed(0)} | ${await committed(1)} | ${offset}`
}

describe('what readers see', () => {
  test('of a transaction: nothing until it is committed, then all of it', async () => {
    await begin('a')
    expect(await everything()).toBe(
      ' and something open |  and something open | UNSTABLE_OFFSET_COMMIT',
    )
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await everything()).toBe('a0 | a1 | 5')
    await begin('b', 7)
    expect(await run(producer.end('abort'))).toBe('NONE')
    expect(await everything()).toBe('a0 | a1 | 5')
    await begin('c', 9)
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await everything()).toBe('a0 c0 | a1 c1 | 9')
  })

  test.each(['crash', 'kill', 'close'] as const)(
    'of one that is open at a %s: what its producer decides afterwards',
    async how => {
      await begin('a')
      expect(await run(producer.end('commit'))).toBe('NONE')
      await begin('b', 7)
      await restart(how)
      expect(await everything()).toBe(
        'a0 and something open | a1 and something open | UNSTABLE_OFFSET_COMMIT',
      )
      expect(await run(producer.send('t', 0, ['more']))).toBe('NONE')
      expect(await run(producer.end('commit'))).toBe('NONE')
      expect(await everything()).toBe('a0 b0 more | a1 b1 | 7')
    },
  )

  test('of one that is open at a crash and whose producer does not come back: nothing', async () => {
    await begin('a')
    await restart('crash')
    await pass(60_500)
    expect(await everything()).toBe(' |  | -1')
    expect(await run(producer.end('commit'))).toBe('PRODUCER_FENCED')
  })

  test.each(['crash', 'kill'] as const)(
    'of one whose end was decided when a %s came: all or nothing, at every point',
    async how => {
      const outcomes = new Set<string>()
      for (let point = 1; point < 60; point++) {
        simulation = simulate({ seed: point })
        machine = simulation.machine('broker')
        await open()
        await run(createTopic(connection, 't', 3))
        producer = new ManualProducer(connection, 'id')
        await begin('a')
        let operations = 0
        machine.onOperation = () => {
          if (++operations === point) machine[how]()
        }
        let answer = 'none'
        const { instance } = producer
        const ending = producer.end('commit').then(code => (answer = code))
        await simulation.run(() => answer !== 'none' || !machine.isRunning)
        const told = machine.isRunning ? answer : 'none'
        void ending
        await restart(how)
        producer.instance = instance
        await pass(1000)
        let found = await everything()
        if (found.includes('open')) {
          expect(told).toBe('none')
          expect(await run(producer.end('commit')), 'it was not decided').toBe('NONE')
          found = await everything()
          outcomes.add('open')
        } else {
          outcomes.add(told === 'none' ? 'decided' : 'told')
        }
        expect(found, `point ${point}`).toBe('a0 | a1 | 5')
        await run(broker.close())
      }
      expect([...outcomes].sort()).toEqual(['decided', 'open', 'told'])
    },
  )

  test('of one that a full disk interrupts, when there is space again', async () => {
    await begin('a')
    machine.onOperation = ({ kind, path }) => {
      if (kind === 'write' && path.includes('/t-1/')) throw systemError('ENOSPC')
    }
    let answer = ''
    const ending = producer.end('commit').then(code => (answer = code))
    await pass(10_000)
    expect(answer).toBe('')
    connection = await connect()
    expect(await committed(1)).toBe(' and something open')
    machine.onOperation = undefined
    await run(ending)
    expect(answer).toBe('NONE')
    expect(await everything()).toBe('a0 | a1 | 5')
  })
})

describe('a batch', () => {
  test('of a transaction that has ended does not open another one', async () => {
    await begin('a')
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await run(producer.send('t', 0, ['late']))).toBe('TRANSACTION_ABORTABLE')
    expect(await run(producer.send('t', 0, ['late'], 10))).toBe('INVALID_TXN_STATE')
    expect(await run(producer.send('t', 2, ['elsewhere'], 10))).toBe('INVALID_TXN_STATE')
    expect(await everything()).toBe('a0 | a1 | 5')
  })

  test('of a producer that was replaced is refused', async () => {
    await begin('a')
    const next = new ManualProducer(connection, 'id')
    expect(await run(next.init())).toBe('NONE')
    expect(next.instance.producerEpoch).toBe(2)
    expect(await run(producer.send('t', 0, ['late']))).toBe('INVALID_PRODUCER_EPOCH')
    expect(await run(producer.add('t', [0]))).toBe('PRODUCER_FENCED')
    expect(await run(producer.add('t', [0], 1))).toBe('INVALID_PRODUCER_EPOCH')
    expect(await run(producer.addOffsets('g'))).toBe('PRODUCER_FENCED')
    expect(await run(producer.addOffsets('g', 1))).toBe('INVALID_PRODUCER_EPOCH')
    expect(await run(producer.end('commit'))).toBe('PRODUCER_FENCED')
    expect(await run(producer.end('commit', 1))).toBe('INVALID_PRODUCER_EPOCH')
    expect(await run(producer.commitOffset('g', 't', 8))).toBe('INVALID_PRODUCER_EPOCH')
    expect(await run(producer.init({ expected: producer.instance }))).toBe('PRODUCER_FENCED')
    const older = await run(producer.init({ expected: producer.instance, maxVersion: 3 }))
    expect(older).toBe('INVALID_PRODUCER_EPOCH')
    expect(await everything()).toBe(' |  | -1')
  })
})

describe('a request', () => {
  test('on a connection that the producer has left does not end its next transaction', async () => {
    await begin('a')
    const old = connection
    connection = await connect()
    producer.connection = connection
    expect(await run(producer.end('commit'))).toBe('NONE')
    await begin('b', 7)
    producer.connection = old
    await expect(run(producer.end('commit'))).rejects.toThrow('on another one since')
    expect(await committed()).toBe('a0 and something open')
    // That connection is gone; one that is opened now is taken.
    await expect(run(producer.end('commit'))).rejects.toThrow('the connection is closed')
    producer.connection = await connect()
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await committed()).toBe('a0 b0')
  })

  test.each(['add', 'addOffsets'] as const)('so does %s begin none', async what => {
    await run(producer.init())
    const old = await connect()
    await run(producer.add('t', [0]))
    await run(producer.end('commit'))
    producer.connection = old
    const late = what === 'add' ? producer.add('t', [0]) : producer.addOffsets('g')
    await expect(run(late)).rejects.toThrow('on another one since')
    producer.connection = await connect()
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await run(producer.end('abort'))).toBe('INVALID_TXN_STATE')
  })

  test('for the coordinator of a transactional id finds this broker', async () => {
    const { coordinators } = await run(
      connection.request(findCoordinator, { keyType: 1, coordinatorKeys: ['id', 'other'] }),
    )
    expect(coordinators).toMatchObject([
      { key: 'id', errorCode: 0, nodeId: 1 },
      { key: 'other', errorCode: 0, nodeId: 1 },
    ])
    expect(broker.topics.get(transactionStateTopic)?.partitions).toHaveLength(2)
  })

  test('for a new instance that makes no sense', async () => {
    const ask = async (request: object): Promise<string> => {
      const defaults = { transactionalId: 'id', transactionTimeoutMs: 1000 }
      const { errorCode } = await run(
        connection.request(initProducerId, { ...defaults, ...request }),
      )
      return errorName(errorCode)
    }
    expect(await ask({ transactionalId: '' })).toBe('INVALID_REQUEST')
    expect(await ask({ producerId: 1n })).toBe('INVALID_REQUEST')
    expect(await ask({ producerEpoch: 1 })).toBe('INVALID_REQUEST')
    expect(await ask({ transactionTimeoutMs: 0 })).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await ask({ transactionTimeoutMs: 900_001 })).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(await ask({ producerId: 0n, producerEpoch: 0 }), 'taken as none').toBe('NONE')
    expect(await ask({ producerId: 0n, producerEpoch: 0 }), 'taken as none').toBe('NONE')
    expect(await ask({ producerId: 77n, producerEpoch: 0 })).toBe('PRODUCER_FENCED')
  })

  test('for partitions that are not there adds none', async () => {
    await run(producer.init())
    const { results } = await run(
      connection.request(addPartitionsToTxn, {
        transactionalId: 'id',
        ...producer.instance,
        topics: [
          { name: 't', partitions: [0, 9] },
          { name: 'nowhere', partitions: [0] },
          { name: transactionStateTopic, partitions: [0] },
        ],
      }),
    )
    const codes = results.map(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => errorName(partitionErrorCode)),
    )
    expect(codes).toEqual([
      ['OPERATION_NOT_ATTEMPTED', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['UNKNOWN_TOPIC_OR_PARTITION'],
      ['TOPIC_AUTHORIZATION_FAILED'],
    ])
    expect(await run(producer.end('abort'))).toBe('INVALID_TXN_STATE')
  })

  test('from a producer that nobody knows', async () => {
    producer.instance = { producerId: 500n, producerEpoch: 0 }
    expect(await run(producer.add('t', [0]))).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await run(producer.addOffsets('g'))).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await run(producer.end('commit'))).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(await run(producer.send('t', 0, ['a']))).toBe('INVALID_PRODUCER_ID_MAPPING')
  })
})

describe('a topic', () => {
  test('that is deleted in a transaction does not keep it from ending', async () => {
    await run(createTopic(connection, 'gone', 1))
    await run(producer.init())
    expect(await run(producer.add('t', [0]))).toBe('NONE')
    expect(await run(producer.add('gone', [0]))).toBe('NONE')
    expect(await run(producer.send('t', 0, ['a']))).toBe('NONE')
    expect(await run(producer.send('gone', 0, ['b']))).toBe('NONE')
    await run(broker.topics.delete('gone'))
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await committed()).toBe('a')
  })
})

describe('tools', () => {
  async function list(request: {
    stateFilters?: string[]
    producerIdFilters?: bigint[]
    durationFilter?: number
  }): Promise<string> {
    const { transactionStates, unknownStateFilters } = await run(
      connection.request(listTransactions, {
        stateFilters: [],
        producerIdFilters: [],
        ...request,
      }),
    )
    const states = transactionStates.map(
      ({ transactionalId, transactionState }) => `${transactionalId} ${transactionState}`,
    )
    return [...states.sort(), ...unknownStateFilters].join(', ')
  }

  test('list transactions by state, producer and duration', async () => {
    await begin('a')
    const other = new ManualProducer(connection, 'other')
    await run(other.init())
    expect(await list({})).toBe('id Ongoing, other Empty')
    expect(await list({ stateFilters: ['Ongoing'] })).toBe('id Ongoing')
    expect(await list({ stateFilters: ['Dead', 'Lost'] })).toBe('Lost')
    expect(await list({ producerIdFilters: [other.instance.producerId] })).toBe('other Empty')
    expect(await list({ durationFilter: 10_000 })).toBe('')
    await pass(20_000)
    expect(await list({ durationFilter: 10_000 })).toBe('id Ongoing')
    await run(producer.end('commit'))
    expect(await list({})).toBe('id CompleteCommit, other Empty')
  })

  test('describe transactions', async () => {
    await begin('a')
    const { transactionStates } = await run(
      connection.request(describeTransactions, { transactionalIds: ['id', 'nobody', ''] }),
    )
    expect(transactionStates).toMatchObject([
      {
        errorCode: 0,
        transactionalId: 'id',
        transactionState: 'Ongoing',
        transactionTimeoutMs: 60_000,
        ...producer.instance,
        topics: [
          { topic: 't', partitions: [0, 1] },
          { topic: '__consumer_offsets', partitions: ['g'.charCodeAt(0) % 2] },
        ],
      },
      { errorCode: 105, transactionalId: 'nobody' },
      { errorCode: 42, transactionalId: '' },
    ])
  })

  async function mark(request: object, topic = 't'): Promise<string> {
    const { markers } = await run(
      connection.request(writeTxnMarkers, {
        markers: [
          {
            ...producer.instance,
            transactionResult: false,
            topics: [{ name: topic, partitionIndexes: [0] }],
            coordinatorEpoch: 0,
            ...request,
          },
        ],
      }),
    )
    return errorName(markers[0]?.topics[0]?.partitions[0]?.errorCode ?? -1)
  }

  test('cannot end one partition of a transaction that the coordinator has', async () => {
    await begin('a')
    expect(await mark({})).toBe('INVALID_TXN_STATE')
    expect(await mark({ coordinatorEpoch: 1_000_000 })).toBe('TRANSACTION_COORDINATOR_FENCED')
    expect(await mark({}, 'nowhere')).toBe('UNKNOWN_TOPIC_OR_PARTITION')
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await everything()).toBe('a0 | a1 | 5')
  })

  // As if the coordinator had lost what it knew: records are in the partition, and nobody will end them.
  const lost = { producerId: 900n, producerEpoch: 0 }

  function loseTransaction(value: string): void {
    const batch = transactionalBatch({ ...lost, sequence: 0 }, [value])
    const { leaderEpoch } = broker
    broker.topics.partition('t', 0)?.append(batch, { leaderEpoch, assignOffsets: true })
  }

  test('end a transaction that no coordinator knows of', async () => {
    await begin('a')
    expect(await run(producer.end('commit'))).toBe('NONE')
    loseTransaction('b')
    await begin('c', 7)
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await committed()).toBe('a0 and something open')
    expect(await mark(lost)).toBe('NONE')
    expect(await committed()).toBe('a0 c0')
  })

  test('are not needed after a restart, which aborts such transactions and no others', async () => {
    await begin('a')
    loseTransaction('b')
    await restart('close')
    expect(await committed(), 'the other one is open').toBe(' and something open')
    expect(await run(producer.end('commit'))).toBe('NONE')
    expect(await everything()).toBe('a0 | a1 | 5')
  })
})
