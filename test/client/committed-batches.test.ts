import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { committedBatches } from '../../src/client/committed-batches.ts'
import { buildControlBatch } from '../../src/protocol/control-batch.ts'
import {
  isControl,
  setBaseOffset,
  sizeInBytes,
  stampProducer,
} from '../../src/protocol/record-batch.ts'
import { batchOf, valuesOf } from './records.ts'

interface Step {
  readonly producer: number
  readonly what: 'write' | 'plain' | 'abort' | 'commit'
}

const steps = fc.array(
  fc.record({
    producer: fc.integer({ min: 1, max: 3 }),
    what: fc.constantFrom<Step['what']>('write', 'write', 'write', 'plain', 'abort', 'commit'),
  }),
  { maxLength: 40 },
)

/** What compaction has taken out: markers stay while their transaction is listed. */
const lost = fc.array(fc.boolean(), { maxLength: 40 })

/** A log in which producers take turns, what of it counts, and the list of what was aborted. */
function play(played: readonly Step[]) {
  const log: { offset: number; batch: Buffer; value: string; state: 'open' | 'kept' | 'gone' }[] =
    []
  const open = new Map<number, { firstOffset: number; entries: typeof log }>()
  const aborted: { producerId: bigint; firstOffset: number; endOffset: number }[] = []
  for (const [offset, { producer, what }] of played.entries()) {
    const producerId = BigInt(producer)
    const isEnd = what === 'abort' || what === 'commit'
    const value = isEnd ? '' : `${offset}`
    const batch = isEnd
      ? buildControlBatch({
          type: what,
          coordinatorEpoch: 0,
          producerId,
          producerEpoch: 0,
          timestamp: 1,
        })
      : batchOf([value])
    if (!isEnd) {
      const isTransactional = what === 'write'
      stampProducer(batch, { producerId, producerEpoch: 0, baseSequence: 0, isTransactional })
    }
    setBaseOffset(batch, offset)
    const entry: (typeof log)[number] = {
      offset,
      batch,
      value,
      state: what === 'write' ? 'open' : 'kept',
    }
    log.push(entry)
    if (what === 'write') {
      const transaction = open.get(producer) ?? { firstOffset: offset, entries: [] }
      transaction.entries.push(entry)
      open.set(producer, transaction)
    } else if (isEnd) {
      const transaction = open.get(producer)
      open.delete(producer)
      for (const each of transaction?.entries ?? []) each.state = what === 'abort' ? 'gone' : 'kept'
      if (what === 'abort' && transaction !== undefined) {
        const { firstOffset } = transaction
        aborted.push({ producerId, firstOffset, endOffset: offset })
      }
    }
  }
  const stable = Math.min(log.length, ...[...open.values()].map(({ firstOffset }) => firstOffset))
  return { log: log.slice(0, stable), aborted }
}

const valuesIn = (batches: Buffer): string[] => {
  const values: string[] = []
  for (let at = 0; at < batches.length; at += sizeInBytes(batches, at)) {
    const batch = batches.subarray(at, at + sizeInBytes(batches, at))
    if (!isControl(batch)) values.push(...valuesOf(batch))
  }
  return values
}

test('from wherever it is read, compacted or not, what is left of a log are the records that were committed', () => {
  fc.assert(
    fc.property(
      steps,
      fc.nat({ max: 40 }),
      fc.nat({ max: 40 }),
      lost,
      (played, from, count, gone) => {
        const { log, aborted } = play(played)
        const isLeft = ({ batch }: (typeof log)[number], at: number): boolean =>
          isControl(batch) || gone[at] !== true
        const read = log.slice(from, from + count).filter(isLeft)
        const end = from + count
        const overlapping = aborted.filter(
          ({ firstOffset, endOffset }) => firstOffset < end && endOffset >= from,
        )
        const batches = Buffer.concat(read.map(({ batch }) => batch))
        const before = Buffer.from(batches)
        const expected = read.filter(({ state, value }) => state === 'kept' && value !== '')
        expect(valuesIn(committedBatches(batches, overlapping.toReversed()))).toEqual(
          expected.map(({ value }) => value),
        )
        expect(batches.equals(before)).toBe(true)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('without aborted transactions the bytes are handed on as they are', () => {
  const batches = batchOf(['a', 'b'])
  expect(committedBatches(batches, [])).toBe(batches)
  expect(committedBatches(batches, [{ producerId: 5n, firstOffset: 0 }])).toBe(batches)
})
