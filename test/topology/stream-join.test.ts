import { describe, expect, test } from 'vitest'
import { StreamsBuilder, type Topology, joinWindows, string } from '../../src/index.ts'

const text = { key: string(), value: string() }

function build(
  define: (b: StreamsBuilder) => void,
  optimization: 'all' | 'none' = 'none',
): Topology {
  const builder = new StreamsBuilder()
  define(builder)
  return builder.build('app', { optimization })
}

describe('a join of streams', () => {
  test('needs equal numbers of partitions', () => {
    const { subtopologies } = build(b => {
      b.stream('left', text).join(b.stream('right', text), l => l, joinWindows(5))
    })
    expect(subtopologies.map(part => part.copartitioned)).toEqual([[['left', 'right']]])
  })

  test('with itself, under a name, has a repartition topic for each side, and one if they are merged', () => {
    const define = (b: StreamsBuilder): void => {
      const byWord = b.stream('in', text).selectKey((_, word) => word)
      byWord.join(byWord, l => l, joinWindows(5), { ...text, otherValue: string(), name: 'same' })
    }
    const topics = ({ internalTopics }: Topology): string[] =>
      internalTopics.filter(({ kind }) => kind === 'repartition').map(({ name }) => name)
    expect(topics(build(define))).toEqual([
      'app-same-left-repartition',
      'app-same-right-repartition',
    ])
    const optimized = build(define, 'all')
    expect(topics(optimized)).toEqual(['app-same-left-repartition'])
    expect(optimized.subtopologies.flatMap(part => part.stores)).toHaveLength(1)
  })

  test('says which serde is missing', () => {
    const join = (b: StreamsBuilder): void => {
      const lengths = b.stream('right', text).mapValues(word => word.length)
      b.stream('left', text).outerJoin(lengths, l => l, joinWindows(5), { name: 'pair' })
    }
    expect(() => build(join)).toThrow(
      'Nothing says how the right values of the stores of pair-merge become bytes at pair-merge. Give a serde there: ' +
        'outerJoin({ otherValue: … }).',
    )
  })

  test('keeps what waits in a store that nobody can query, and for which there are no records without need', () => {
    const kinds = (eager: boolean): string[] =>
      build(b => {
        const windows = joinWindows(5, { eager })
        b.stream('left', text).leftJoin(b.stream('right', text), l => l, windows)
      }).subtopologies.flatMap(part => part.stores.map(({ kind }) => kind))
    expect(kinds(false)).toEqual(['timestampedWindow', 'timestampedWindow', 'unmatchedRecords'])
    expect(kinds(true)).toEqual(['timestampedWindow', 'timestampedWindow'])
  })
})

describe('a grace of a join with a table', () => {
  test('needs a versioned table', () => {
    const join = (b: StreamsBuilder): void => {
      const rows = b.table('table', { ...text, store: 'rows' })
      b.stream('in', text).join(rows, l => l, { name: 'look-up', grace: 10 })
    }
    expect(() => build(join)).toThrow(
      'look-up has a grace of 10 ms, but the table that it looks rows up in, rows, keeps no earlier rows. Make it a ' +
        'versioned table.',
    )
  })

  test('is at most its history', () => {
    const join = (historyRetention: number) => (b: StreamsBuilder) => {
      const rows = b.table('table', { ...text, store: 'rows', historyRetention })
      const shown = rows.filter(() => true).mapValues(row => row)
      b.stream('in', text).join(shown, l => l, { name: 'look-up', grace: 10 })
    }
    expect(() => build(join(9))).toThrow('keeps earlier rows for 9 ms. Give it a longer history.')
    expect(() => build(join(10))).not.toThrow()
  })
})
