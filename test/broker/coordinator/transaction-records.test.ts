import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  readTransaction,
  transactionRecord,
} from '../../../src/broker/coordinator/transaction-records.ts'
import {
  lastGivenEpoch,
  type Transaction,
} from '../../../src/broker/coordinator/transaction-state.ts'

const settings = { transactionMaxTimeoutMs: 900_000, transactionalIdExpirationMs: 604_800_000 }
const now = { monotonicMs: 5000, wallMs: 1_700_000_000_000, newestConnection: 0 }
const producerId = fc.bigInt({ min: 1n, max: (1n << 63n) - 1n })

const partitions = fc
  .dictionary(
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.uniqueArray(fc.nat(), { minLength: 1 }),
  )
  .map(topics => new Map(Object.entries(topics).map(([topic, ids]) => [topic, new Set(ids)])))

const transaction: fc.Arbitrary<Transaction> = fc
  .record({
    transactionalId: fc.string({ minLength: 1, unit: 'binary' }).filter(id => id.isWellFormed()),
    producerId,
    producerEpoch: fc.integer({ min: 0, max: 32767 }),
    phase: fc.constantFrom(
      'Empty',
      'Ongoing',
      'PrepareCommit',
      'PrepareAbort',
      'CompleteCommit',
      'CompleteAbort',
    ),
    // The epoch before of the same id, or the last one of another.
    before: fc.constantFrom('none', 'same id', 'other id'),
    otherId: producerId,
    timeoutMs: fc.integer({ min: 1, max: 2147483647 }),
    partitions,
    startedMs: fc.nat(1_800_000_000_000),
    updatedMs: fc.nat(1_800_000_000_000),
  })
  .map(({ before, otherId, ...rest }) => ({
    ...rest,
    partitions: rest.phase === 'Empty' ? new Map() : rest.partitions,
    previous:
      before === 'none'
        ? null
        : before === 'same id'
          ? { producerId: rest.producerId, producerEpoch: rest.producerEpoch - 1 }
          : { producerId: otherId, producerEpoch: lastGivenEpoch },
    deadlineMs: 0,
    connection: 0,
    newestConnection: 0,
  }))

test('what is written is read', () => {
  fc.assert(
    fc.property(transaction, written => {
      const { previous, producerId, producerEpoch } = written
      // Of the same id it is the epoch before.
      const isSameId = previous?.producerId === producerId
      fc.pre(!isSameId || (producerEpoch > 0 && previous.producerEpoch === producerEpoch - 1))
      const { key, value } = transactionRecord(written.transactionalId, written)
      const read = readTransaction(key, value, now, settings)
      expect(read?.transactionalId).toBe(written.transactionalId)
      expect({ ...read?.transaction, deadlineMs: 0 }).toEqual(written)
      const { deadlineMs = NaN } = read?.transaction ?? {}
      if (written.phase.startsWith('Prepare')) expect(deadlineMs).toBe(Infinity)
      else {
        const longest =
          written.phase === 'Ongoing' ? written.timeoutMs : settings.transactionalIdExpirationMs
        expect(deadlineMs).toBeGreaterThanOrEqual(now.monotonicMs)
        expect(deadlineMs).toBeLessThanOrEqual(now.monotonicMs + longest)
      }
    }),
  )
})

test('an id that is taken away, one that Kafka was about to take away, and a record of another kind', () => {
  const { key } = transactionRecord('t', null)
  expect(readTransaction(key, null, now, settings)).toEqual({
    transactionalId: 't',
    transaction: null,
  })
  const dead = hex(
    '0000 0000000000000001 0000 00002710 06 ffffffff 0000000000000000 0000000000000000',
  )
  expect(readTransaction(key, dead, now, settings)?.transaction).toBeNull()
  expect(readTransaction(Buffer.from('0007', 'hex'), null, now, settings)).toBeUndefined()
})

test('the layout is that of Apache Kafka', () => {
  const { key, value } = transactionRecord('tx', {
    transactionalId: 'tx',
    producerId: 4000n,
    producerEpoch: 3,
    phase: 'PrepareCommit',
    previous: null,
    timeoutMs: 60_000,
    partitions: new Map([['a', new Set([0, 2])]]),
    startedMs: 1_700_000_000_000,
    updatedMs: 1_700_000_000_001,
    deadlineMs: 0,
    connection: 0,
    newestConnection: 0,
  })
  expect(key).toEqual(hex('0000 0002 7478'))
  expect(value).toEqual(
    hex(`
      0000
      0000000000000fa0 producer id
      0003 epoch
      0000ea60 timeout
      02 prepared commit
      00000001 0001 61 00000002 00000000 00000002 partitions
      0000018bcfe56801 last update
      0000018bcfe56800 start
    `),
  )
})

/** Words that are not hexadecimal are there for the reader. */
function hex(text: string): Buffer {
  const words = text.split(/\s+/).filter(word => /^[0-9a-f]+$/.test(word) && word.length % 2 === 0)
  return Buffer.from(words.join(''), 'hex')
}
