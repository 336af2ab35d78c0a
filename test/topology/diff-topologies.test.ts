import { describe, expect, test } from 'vitest'

import type { BuildOptions } from '../../src/dsl/options.ts'
import { StreamsBuilder } from '../../src/dsl/streams-builder.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import { diffTopologies } from '../../src/topology/diff-topologies.ts'
import {
  type TopologyDescription,
  describeTopology,
} from '../../src/topology/topology-description.ts'
import { tumbling } from '../../src/windowing/time-windows.ts'

const text = { key: string(), value: string() }
type Define = (builder: StreamsBuilder) => void

function described(define: Define, options?: BuildOptions): TopologyDescription {
  const builder = new StreamsBuilder()
  define(builder)
  return describeTopology(builder.build('app', options))
}

function changes(before: Define, after: Define, options?: BuildOptions): string[] {
  const diff = diffTopologies(described(before), described(after, options))
  return diff.map(({ severity, subject, name }) => `${severity} ${subject} ${name}`)
}

function messages(before: Define, after: Define): string[] {
  return diffTopologies(described(before), described(after)).map(({ message }) => message)
}

const count =
  (store: string, more: object = {}): Define =>
  builder => {
    builder
      .stream('in', text)
      .groupByKey()
      .count({ store, ...more })
  }
const byWord =
  (name: string, partitions?: number): Define =>
  builder => {
    builder
      .stream('in', text)
      .selectKey((_, word) => word)
      .repartition({ ...text, name, ...(partitions !== undefined && { partitions }) })
      .groupByKey()
      .count({ store: 'counts' })
  }
const windows =
  (sizeMs: number, retention?: number): Define =>
  builder => {
    builder
      .stream('in', text)
      .groupByKey()
      .windowedBy(tumbling(sizeMs))
      .count({ store: 'counts', ...(retention !== undefined && { retention }) })
  }

describe('a deploy', () => {
  test.each<[string, Define, Define, string[]]>([
    ['that changes nothing', byWord('by-word'), byWord('by-word'), []],
    [
      'that changes functions and names of nodes without a store',
      count('counts'),
      builder => {
        builder
          .stream('in', { ...text, name: 'read' })
          .filter(() => true, { name: 'all' })
          .groupByKey()
          .count({ store: 'counts', name: 'count' })
      },
      [],
    ],
    ['that renames a store', count('counts'), count('totals'), ['breaksState store counts']],
    [
      'that removes a store',
      count('counts'),
      builder => builder.stream('in', text).foreach(() => {}),
      ['breaksState store counts'],
    ],
    [
      'that adds a store of another shape',
      count('counts'),
      builder => {
        const grouped = builder.stream('in', text).groupByKey()
        grouped.count({ store: 'counts' })
        grouped.reduce((_, word) => word, { store: 'latest' })
      },
      ['safe store latest'],
    ],
    [
      'that stores values in another format',
      count('counts'),
      count('counts', { value: json<number>() }),
      ['breaksState store counts'],
    ],
    [
      'that gives up the changelog',
      count('counts'),
      count('counts', { changelog: false }),
      ['breaksState store counts'],
    ],
    ['that moves rows into memory', count('counts'), count('counts', { inMemory: true }), []],
    ['that changes windows', windows(10, 100), windows(20, 100), ['breaksState store counts']],
    ['that keeps windows longer', windows(10, 100), windows(10, 200), ['safe store counts']],
    [
      'that keeps windows less long',
      windows(10, 200),
      windows(10, 100),
      ['breaksState store counts'],
    ],
    [
      'that makes windows of a plain store',
      count('counts'),
      windows(10, 100),
      ['breaksState store counts', 'safe store counts'],
    ],
    [
      'that renames a repartition topic',
      byWord('by-word'),
      byWord('by-text'),
      ['breaksState repartitionTopic app-by-word-repartition'],
    ],
    [
      'that gives a repartition topic a number of partitions',
      byWord('by-word'),
      byWord('by-word', 7),
      ['needsReset repartitionTopic app-by-word-repartition', 'needsReset store counts'],
    ],
    [
      'that writes other values to a repartition topic',
      byWord('by-word'),
      builder => {
        builder
          .stream('in', text)
          .map((_, word): [string, number] => [word, 1])
          .repartition({ key: string(), value: json<number>(), name: 'by-word' })
          .groupByKey()
          .count({ store: 'counts' })
      },
      ['breaksState repartitionTopic app-by-word-repartition'],
    ],
    [
      'that reads other topics where the store is',
      count('counts'),
      builder => void builder.stream(['in', 'more'], text).groupByKey().count({ store: 'counts' }),
      ['needsReset store counts'],
    ],
    [
      'that reads all topics of a pattern where the store is',
      count('counts'),
      builder => {
        builder.stream(/in.*/, text).groupByKey().count({ store: 'counts' })
      },
      ['needsReset store counts'],
    ],
    [
      'that puts a part in front',
      count('counts'),
      builder => {
        builder.stream('first', text).foreach(() => {})
        count('counts')(builder)
      },
      ['safe subtopology 0'],
    ],
    [
      'that puts a part in front of a store without a changelog',
      count('counts', { changelog: false }),
      builder => {
        builder.stream('first', text).foreach(() => {})
        count('counts', { changelog: false })(builder)
      },
      ['breaksState subtopology 0'],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(changes(before, after)).toEqual(expected)
    expect(changes(after, after)).toEqual([])
  })

  test('that switches on optimisation says what becomes of repartition topics and changelogs', () => {
    const define: Define = builder => {
      builder.table('names', { ...text, store: 'names' })
      const words = builder.stream('in', text).selectKey((_, word) => word)
      words.groupByKey(text).count({ store: 'counts' })
      words.groupByKey(text).reduce((_, word) => word, { store: 'latest' })
    }
    expect(changes(define, define, { optimization: 'all' })).toEqual([
      'breaksState store names',
      'breaksState repartitionTopic app-latest-repartition',
      'safe subtopology 3',
    ])
  })

  test('under another application id starts anew, and nothing else is said', () => {
    const before = described(byWord('by-word'))
    const diff = diffTopologies(before, { ...described(count('counts')), applicationId: 'other' })
    expect(diff).toEqual([
      {
        severity: 'breaksState',
        subject: 'application',
        name: 'app',
        message:
          'The application app is called other now: it begins with empty stores and without committed offsets. Keep the ' +
          'name, unless it is to start anew.',
      },
    ])
  })

  test('puts the worst first', () => {
    const before: Define = builder => {
      count('counts')(builder)
      builder.table('names', { ...text, store: 'names' })
    }
    const after: Define = builder => {
      builder
        .stream('first', text)
        .groupByKey()
        .reduce((_, word) => word, { store: 'new' })
      builder.stream(['in', 'more'], text).groupByKey().count({ store: 'counts' })
    }
    const severities = diffTopologies(described(before), described(after)).map(
      ({ severity }) => severity,
    )
    expect(severities).toEqual(['breaksState', 'needsReset', 'safe'])
  })
})

test('messages say what happens and what to do', () => {
  expect(messages(count('counts'), count('totals'))).toEqual([
    'The store counts is gone, and totals is new: if it was renamed, its rows do not go with it. Keep the name, or process ' +
      'the input anew.',
  ])
  expect(messages(byWord('by-word'), byWord('by-word', 7))).toEqual([
    'The repartition topic app-by-word-repartition is to have 7 partitions, before as many partitions as its inputs: if ' +
      'that is another number, the application does not start. Reset it then.',
    'The topic app-counts-changelog gets its number of partitions from 7 of app-by-word-repartition, before from in: if ' +
      'that is another number, the application does not start. Reset it then.',
  ])
})

test('a description survives being written as JSON', () => {
  const description = described(byWord('by-word', 3))
  expect(JSON.parse(JSON.stringify(description))).toEqual(description)
})
