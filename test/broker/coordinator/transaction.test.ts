/** The rules of a transactional id one by one, as a transcript: what was asked, what was answered, what was written. */
import { beforeEach, describe, expect, test } from 'vitest'
import { errorName } from '../../../src/protocol/error-codes.ts'
import {
  type EndType,
  needsProducerId,
  step,
  type TransactionInput,
} from '../../../src/broker/coordinator/transaction.ts'
import {
  isPrepared,
  type ProducerInstance,
  type Transaction,
} from '../../../src/broker/coordinator/transaction-state.ts'

const settings = { transactionMaxTimeoutMs: 60_000, transactionalIdExpirationMs: 500_000 }

let known: Transaction | null
let now: number
let freshIds: bigint
let newestConnection: number

beforeEach(() => {
  known = null
  now = 1000
  freshIds = 0n
  newestConnection = 1
})

/** The answer, and after an arrow the state if it was written. */
function run(input: TransactionInput): string {
  const moment = { monotonicMs: now, wallMs: 1_000_000 + now, newestConnection }
  const { next, write, errorCode } = step(known, input, moment, settings)
  known = next
  if (!write) return errorName(errorCode)
  const state = next === null ? 'nothing' : `${next.phase} ${next.producerId}/${next.producerEpoch}`
  return `${errorName(errorCode)} → ${state}`
}

function init(expected: ProducerInstance | null = null, timeoutMs = 1000): string {
  const freshProducerId = needsProducerId(known) ? ++freshIds : null
  return run({ kind: 'init', transactionalId: 't', timeoutMs, expected, freshProducerId })
}

function instance(producerEpoch: number, producerId = 1n): ProducerInstance {
  return { producerId, producerEpoch }
}

function add(epoch = 0, partition = 0, connection = 1, producerId = 1n): string {
  const partitions = new Map([['topic', new Set([partition])]])
  return run({ kind: 'add', producer: instance(epoch, producerId), partitions, connection })
}

function end(type: EndType, epoch = 0, connection = 1): string {
  return run({ kind: 'end', producer: instance(epoch), type, connection })
}

function tick(afterMs: number): string {
  now += afterMs
  return run({ kind: 'tick' })
}

function setEpoch(producerEpoch: number): void {
  if (known !== null) known = { ...known, producerEpoch }
}

describe('a transaction', () => {
  test('begins with its first partition, takes more, ends in every one of them', () => {
    expect(init()).toBe('NONE → Empty 1/0')
    expect(add(0, 0)).toBe('NONE → Ongoing 1/0')
    expect(add(0, 1)).toBe('NONE → Ongoing 1/0')
    expect(add(0, 1)).toBe('NONE')
    expect(known?.partitions).toEqual(new Map([['topic', new Set([0, 1])]]))
    expect(end('commit')).toBe('NONE → PrepareCommit 1/0')
    expect(run({ kind: 'ended' })).toBe('NONE → CompleteCommit 1/0')
    expect(known?.partitions.size).toBe(0)
    expect(add()).toBe('NONE → Ongoing 1/0')
    expect(end('abort')).toBe('NONE → PrepareAbort 1/0')
    expect(run({ kind: 'ended' })).toBe('NONE → CompleteAbort 1/0')
  })

  test('that is asked to end again, in each state', () => {
    expect(end('commit')).toBe('INVALID_PRODUCER_ID_MAPPING')
    init()
    expect(end('commit')).toBe('INVALID_TXN_STATE')
    expect(end('abort')).toBe('INVALID_TXN_STATE')
    add()
    end('commit')
    expect(end('commit')).toBe('CONCURRENT_TRANSACTIONS')
    expect(end('abort')).toBe('INVALID_TXN_STATE')
    run({ kind: 'ended' })
    expect(end('commit')).toBe('NONE')
    expect(end('abort')).toBe('INVALID_TXN_STATE')
    add()
    end('abort')
    expect(end('abort')).toBe('CONCURRENT_TRANSACTIONS')
    expect(end('commit')).toBe('INVALID_TXN_STATE')
    run({ kind: 'ended' })
    expect(end('abort')).toBe('NONE')
    expect(end('commit')).toBe('INVALID_TXN_STATE')
  })

  test('takes no partition while it ends', () => {
    init()
    add()
    end('commit')
    expect(add(0, 5)).toBe('CONCURRENT_TRANSACTIONS')
    expect(init()).toBe('CONCURRENT_TRANSACTIONS')
    expect(known !== null && isPrepared(known)).toBe(true)
  })

  test('is not touched by what was asked on a connection that the producer has left', () => {
    init()
    newestConnection = 4
    add(0, 0, 4)
    // The answer does not come; the producer connects anew, ends the transaction and begins another one.
    newestConnection = 5
    expect(end('commit', 0, 5)).toBe('NONE → PrepareCommit 1/0')
    run({ kind: 'ended' })
    add(0, 0, 5)
    // Now the first attempt arrives.
    expect(end('commit', 0, 4)).toBe('NOT_COORDINATOR')
    expect(add(0, 1, 4)).toBe('NOT_COORDINATOR')
    expect(known?.phase).toBe('Ongoing')
    expect(end('abort', 0, 5)).toBe('NONE → PrepareAbort 1/0')
  })

  test('is not touched either when the producer had opened the one it went on with first', () => {
    init()
    newestConnection = 2
    add(0, 0, 1)
    // The end is sent on connection 2 and is slow: the producer gives that up and asks on connection 1.
    expect(end('commit', 0, 1)).toBe('NONE → PrepareCommit 1/0')
    run({ kind: 'ended' })
    add(0, 0, 1)
    expect(end('commit', 0, 2)).toBe('NOT_COORDINATOR')
    expect(known?.phase).toBe('Ongoing')
  })

  test('goes on for a producer that takes turns with its connections, on those it opens anew', () => {
    init()
    newestConnection = 2
    expect(add(0, 0, 1)).toBe('NONE → Ongoing 1/0')
    expect(add(0, 1, 2)).toBe('NOT_COORDINATOR')
    newestConnection = 3
    expect(add(0, 1, 3)).toBe('NONE → Ongoing 1/0')
    expect(end('commit', 0, 1)).toBe('NOT_COORDINATOR')
    newestConnection = 4
    expect(end('commit', 0, 4)).toBe('NONE → PrepareCommit 1/0')
  })

  test('that takes too long is aborted, and its producer is shut out', () => {
    init()
    add()
    expect(known?.deadlineMs).toBe(2000)
    expect(tick(999)).toBe('NONE')
    expect(tick(1)).toBe('NONE → PrepareAbort 1/1')
    expect(end('commit')).toBe('PRODUCER_FENCED')
    run({ kind: 'ended' })
    expect(end('commit')).toBe('PRODUCER_FENCED')
    expect(add()).toBe('PRODUCER_FENCED')
    expect(init(instance(0))).toBe('PRODUCER_FENCED')
    expect(init()).toBe('NONE → Empty 1/2')
  })

  test('does not time out while it ends', () => {
    init()
    add()
    end('commit')
    expect(tick(1_000_000)).toBe('NONE')
  })
})

describe('a producer', () => {
  test('with a timeout that is not allowed', () => {
    expect(init(null, 0)).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(init(null, 60_001)).toBe('INVALID_TRANSACTION_TIMEOUT')
    expect(init(null, 60_000)).toBe('NONE → Empty 3/0')
  })

  test('that starts anew shuts out the one before and aborts what it had open', () => {
    init()
    add()
    expect(init()).toBe('CONCURRENT_TRANSACTIONS → PrepareAbort 1/1')
    expect(end('commit')).toBe('PRODUCER_FENCED')
    run({ kind: 'ended' })
    expect(init()).toBe('NONE → Empty 1/2')
    expect(add(0)).toBe('PRODUCER_FENCED')
    expect(add(1)).toBe('PRODUCER_FENCED')
    expect(add(2, 0, 1, 9n)).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(add(2)).toBe('NONE → Ongoing 1/2')
  })

  test('that asks for a newer epoch gets the same one when it asks again', () => {
    init()
    expect(init(instance(0))).toBe('NONE → Empty 1/1')
    expect(init(instance(0))).toBe('NONE')
    expect(known?.producerEpoch).toBe(1)
    expect(init(instance(1))).toBe('NONE → Empty 1/2')
    expect(init(instance(0)), 'a newer one knows of its epoch').toBe('PRODUCER_FENCED')
    expect(init()).toBe('NONE → Empty 1/3')
    expect(init(instance(1)), 'another has taken over').toBe('PRODUCER_FENCED')
    expect(init(instance(3, 7n))).toBe('PRODUCER_FENCED')
  })

  test('that asks for a newer epoch in its transaction gets the one that ended it', () => {
    init()
    add()
    expect(init(instance(0))).toBe('CONCURRENT_TRANSACTIONS → PrepareAbort 1/1')
    expect(init(instance(0))).toBe('CONCURRENT_TRANSACTIONS')
    run({ kind: 'ended' })
    expect(init(instance(0))).toBe('NONE')
    expect(known?.producerEpoch).toBe(1)
  })

  test('whose late request for a newer epoch arrives in its next transaction does not lose it', () => {
    init()
    init(instance(0))
    add(1)
    expect(init(instance(0))).toBe('PRODUCER_FENCED')
    expect(known?.phase).toBe('Ongoing')
  })

  test('goes on with another id when its epochs are used up', () => {
    init()
    setEpoch(32765)
    expect(init(instance(32765))).toBe('NONE → Empty 1/32766')
    expect(init(instance(32766))).toBe('NONE → Empty 2/0')
    expect(init(instance(32766)), 'the same answer again').toBe('NONE')
    expect(known?.producerId).toBe(2n)
    expect(add(32766)).toBe('INVALID_PRODUCER_ID_MAPPING')
  })

  test('is never given the epoch that is left for fencing', () => {
    init()
    setEpoch(32766)
    add(32766)
    expect(init(instance(32766))).toBe('CONCURRENT_TRANSACTIONS → PrepareAbort 1/32767')
    run({ kind: 'ended' })
    // Nor may it take it: a transaction with it could not be ended by anybody else.
    expect(add(32767)).toBe('PRODUCER_FENCED')
    expect(end('abort', 32767)).toBe('PRODUCER_FENCED')
    expect(init(instance(32766))).toBe('NONE → Empty 2/0')
  })

  test('is forgotten when nobody uses its id, and not while it has a transaction', () => {
    init(null, 60_000)
    add()
    expect(tick(59_999)).toBe('NONE')
    end('commit')
    run({ kind: 'ended' })
    expect(tick(499_999)).toBe('NONE')
    expect(tick(1)).toBe('NONE → nothing')
    expect(add()).toBe('INVALID_PRODUCER_ID_MAPPING')
    expect(init(instance(0))).toBe('NONE → Empty 2/0')
  })
})
