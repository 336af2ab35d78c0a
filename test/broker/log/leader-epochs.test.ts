import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLeaderEpochs, LeaderEpochs } from '../../../src/broker/log/leader-epochs.ts'

const epochs = (): LeaderEpochs =>
  new LeaderEpochs([
    { epoch: 2, startOffset: 10 },
    { epoch: 5, startOffset: 20 },
    { epoch: 6, startOffset: 30 },
  ])

describe('leader epochs', () => {
  test('say where an epoch ended', () => {
    expect(epochs().endOffset(6, 40, 6)).toEqual({ epoch: 6, endOffset: 40 })
    expect(epochs().endOffset(5, 40, 6)).toEqual({ epoch: 5, endOffset: 30 })
    expect(epochs().endOffset(4, 40, 6)).toEqual({ epoch: 2, endOffset: 20 })
    expect(epochs().endOffset(1, 40, 6)).toEqual({ epoch: 1, endOffset: 10 })
    expect(epochs().endOffset(7, 40, 6)).toEqual({ epoch: -1, endOffset: -1 })
  })

  test('know those in which nothing was written', () => {
    expect(epochs().endOffset(8, 40, 8)).toEqual({ epoch: 8, endOffset: 40 })
    expect(epochs().endOffset(7, 40, 8)).toEqual({ epoch: 6, endOffset: 40 })
    expect(epochs().endOffset(9, 40, 8)).toEqual({ epoch: -1, endOffset: -1 })
    expect(new LeaderEpochs().endOffset(3, 0, 3)).toEqual({ epoch: 3, endOffset: 0 })
    expect(new LeaderEpochs().endOffset(2, 0, 3)).toEqual({ epoch: 2, endOffset: 0 })
  })

  test('are cut with the log at both ends', () => {
    const cut = epochs()
    cut.truncateFromEnd(30)
    expect(cut.latest).toBe(5)
    cut.truncateFromStart(15)
    expect(cut.starts).toEqual([
      { epoch: 2, startOffset: 15 },
      { epoch: 5, startOffset: 20 },
    ])
    cut.truncateFromStart(20)
    expect(cut.starts).toEqual([{ epoch: 5, startOffset: 20 }])
    expect(cut.epochAt(12)).toBe(5)
  })

  test('are read as they were written, in the text of Apache Kafka', () => {
    expect(epochs().encode().toString()).toBe('0\n3\n2 10\n5 20\n6 30\n')
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.nat(1e9)))
    fc.assert(
      fc.property(steps, pairs => {
        const written = new LeaderEpochs()
        let [epoch, offset] = [0, 0]
        for (const [more, further] of pairs) {
          written.assign((epoch += more), (offset += further + 1))
        }
        expect(decodeLeaderEpochs(written.encode())?.starts).toEqual(written.starts)
      }),
    )
    expect(decodeLeaderEpochs(Buffer.from('0\n2\n1 5\n'))).toBeUndefined()
    expect(decodeLeaderEpochs(Buffer.from('0\n2\n1 5\n1 6\n'))).toBeUndefined()
  })
})
