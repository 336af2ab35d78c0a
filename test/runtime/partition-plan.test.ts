import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planPartitions } from '../../src/runtime/partition-plan.ts'
import type { InternalTopic, Subtopology, Topology } from '../../src/topology/topology.ts'

const bytes = {
  name: 'bytes',
  serialize: (): Buffer => Buffer.alloc(0),
  deserialize: (b: Buffer): unknown => b,
}

interface Part {
  reads: readonly string[]
  writes?: readonly string[]
  copartitioned?: readonly (readonly string[])[]
  changelog?: string
}

function topologyOf(parts: readonly Part[], internalTopics: readonly InternalTopic[]): Topology {
  const subtopologies = parts.map(
    ({ reads, writes = [], copartitioned = [], changelog }, id): Subtopology => ({
      id,
      nodes: [
        { kind: 'source', name: `source-${id}`, topics: reads, key: bytes, value: bytes },
        ...writes.map(topic => ({
          kind: 'sink' as const,
          name: `sink-${topic}`,
          parents: [`source-${id}`],
          topic,
          key: bytes,
          value: bytes,
        })),
      ],
      stores:
        changelog === undefined
          ? []
          : [
              {
                kind: 'timestampedKeyValue',
                name: `store-${id}`,
                key: bytes,
                value: bytes,
                changelogTopic: changelog,
              },
            ],
      copartitioned,
    }),
  )
  return { applicationId: 'app', subtopologies, globalStores: [], internalTopics }
}

function repartition(name: string, partitions?: number): InternalTopic {
  return { name, kind: 'repartition', configs: {}, ...(partitions && { partitions }) }
}

describe('planPartitions', () => {
  test('a task for each partition of the widest source topic', () => {
    const topology = topologyOf([{ reads: ['a', 'b'] }], [])
    const { tasks } = planPartitions(topology, new Map([['a', 2], ['b', 3]])) // prettier-ignore
    expect(tasks.map(({ id, topics }) => [id, topics])).toEqual([
      ['0_0', ['a', 'b']],
      ['0_1', ['a', 'b']],
      ['0_2', ['b']],
    ])
  })

  test('a chain of repartition topics takes the largest count upstream, however the parts are ordered', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), (a, b) => {
        const topology = topologyOf(
          [
            { reads: ['second'], changelog: 'log' },
            { reads: ['first'], writes: ['second'] },
            { reads: ['a', 'b'], writes: ['first'] },
          ],
          [
            repartition('second'),
            repartition('first'),
            { name: 'log', kind: 'changelog', configs: {} },
          ],
        )
        const { counts, tasks } = planPartitions(topology, new Map([['a', a], ['b', b]])) // prettier-ignore
        const width = Math.max(a, b)
        expect([counts.get('first'), counts.get('second'), counts.get('log')]).toEqual([
          width,
          width,
          width,
        ])
        expect(tasks).toHaveLength(3 * width)
      }),
    )
  })

  test('a repartition topic follows the topic it is joined with', () => {
    const topology = topologyOf(
      [
        { reads: ['wide'], writes: ['r'] },
        { reads: ['r', 'narrow'], copartitioned: [['r', 'narrow']] },
      ],
      [repartition('r')],
    )
    const { counts } = planPartitions(topology, new Map([['wide', 8], ['narrow', 3]])) // prettier-ignore
    expect(counts.get('r')).toBe(3)
  })

  test('joined topics with different counts are refused by a sentence that names them', () => {
    const topology = topologyOf([{ reads: ['a', 'b'], copartitioned: [['a', 'b']] }], [])
    expect(() =>
      planPartitions(
        topology,
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      ),
    ).toThrow(
      // prettier-ignore
      /same number of partitions: a \(1\), b \(2\)/,
    )
  })

  test('a fixed count that differs from the joined topic is refused', () => {
    const topology = topologyOf(
      [
        { reads: ['a'], writes: ['r'] },
        { reads: ['r', 'b'], copartitioned: [['r', 'b']] },
      ],
      [repartition('r', 5)],
    )
    expect(() => planPartitions(topology, new Map([['a', 1], ['b', 2]]))).toThrow(/r \(5\), b \(2\)/) // prettier-ignore
  })

  test('a missing source topic is named', () => {
    const topology = topologyOf([{ reads: ['a'] }], [])
    expect(() => planPartitions(topology, new Map())).toThrow(
      expect.objectContaining({
        code: 'MISSING_TOPIC',
        message: expect.stringMatching(/'a'.*source-0/),
      }),
    )
  })

  test('repartition topics in a circle have the count of the topics that feed it', () => {
    const topology = topologyOf(
      [
        { reads: ['a', 'r'], writes: ['r', 's'], copartitioned: [['a', 'r']] },
        { reads: ['s', 'b'], writes: ['t'] },
      ],
      [repartition('s'), repartition('t'), repartition('r')],
    )
    const { counts } = planPartitions(topology, new Map([['a', 3], ['b', 5]])) // prettier-ignore
    expect(['r', 's', 't'].map(topic => counts.get(topic))).toEqual([3, 3, 5])
  })

  test('repartition topics that only feed each other are refused', () => {
    const topology = topologyOf([{ reads: ['r'], writes: ['r'] }], [repartition('r')])
    expect(() => planPartitions(topology, new Map())).toThrow(/feed each other/)
  })
})
