/** What tools ask of the partitions of a cluster, answered by a cluster of one. */
import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { type RunningBroker, startBroker } from '../../src/broker/index.ts'
import { errorName } from '../../src/protocol/error-codes.ts'
import { produce } from '../../src/protocol/messages/00-produce.ts'
import { createTopics } from '../../src/protocol/messages/19-create-topics.ts'
import { describeLogDirs } from '../../src/protocol/messages/35-describe-log-dirs.ts'
import { electLeaders } from '../../src/protocol/messages/43-elect-leaders.ts'
import { alterPartitionReassignments } from '../../src/protocol/messages/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../../src/protocol/messages/46-list-partition-reassignments.ts'
import { describeTopicPartitions } from '../../src/protocol/messages/75-describe-topic-partitions.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { Peer } from './peer.ts'

const topics = { a: 1, b: 3, 'b-2': 2, c: 4 }
let broker: RunningBroker
let peer: Peer

beforeAll(async () => {
  broker = await startBroker()
  peer = await Peer.open(broker.address)
  await peer.ask(createTopics, 7, {
    topics: Object.entries(topics).map(([name, numPartitions]) => ({
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 1000,
    validateOnly: false,
  })
})

afterAll(async () => {
  await peer.close()
  await broker.close()
})

describe('DescribeLogDirs', () => {
  test('tells the bytes of the segments on the disk, and the room there is', async () => {
    const builder = new RecordBatchBuilder()
    builder.append(null, Buffer.alloc(5000), 1, [])
    const partitionData = [{ index: 1, records: builder.build() }]
    await peer.ask(produce, 8, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'b', partitionData }],
    })
    const asked = [
      { topic: 'b', partitions: [1, 2, 9] },
      { topic: 'unknown', partitions: [0] },
    ]
    const { results } = await peer.ask(describeLogDirs, 4, { topics: asked })
    expect(results).toHaveLength(1)
    const [folder] = results
    expect(folder?.logDir).toBe(path.join(broker.data, 'logs'))
    expect(folder?.topics.map(({ name }) => name)).toEqual(['b'])
    const sizes = folder?.topics[0]?.partitions.map(p => [p.partitionIndex, p.partitionSize])
    expect(sizes).toEqual([
      [1, bytesIn('b-1')],
      [2, 0],
    ])
    expect(bytesIn('b-1')).toBeGreaterThan(5000)
    expect(folder?.totalBytes).toBeGreaterThan(0)
    expect(folder?.usableBytes).toBeLessThanOrEqual(folder?.totalBytes ?? 0)
  })

  test('tells of everything when nothing is named', async () => {
    const { results } = await peer.ask(describeLogDirs, 1, { topics: null })
    const counts = results[0]?.topics.map(({ name, partitions }) => [name, partitions.length])
    expect(Object.fromEntries(counts ?? [])).toEqual(topics)
    expect(results[0]).toMatchObject({ errorCode: 0, totalBytes: -1, usableBytes: -1 })
  })

  function bytesIn(partition: string): number {
    const folder = path.join(broker.data, 'logs', partition)
    const logs = readdirSync(folder).filter(name => name.endsWith('.log'))
    return logs.reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0)
  }
})

describe('ElectLeaders', () => {
  test('is not needed for any partition, and says nothing of all together', async () => {
    const topicPartitions = [
      { topic: 'a', partitions: [0, 1] },
      { topic: 'unknown', partitions: [0] },
    ]
    const answer = await peer.ask(electLeaders, 2, {
      electionType: 0,
      topicPartitions,
      timeoutMs: 0,
    })
    const codes = answer.replicaElectionResults.map(({ partitionResult }) =>
      partitionResult.map(({ errorCode }) => errorName(errorCode)),
    )
    expect(codes).toEqual([
      ['ELECTION_NOT_NEEDED', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['UNKNOWN_TOPIC_OR_PARTITION'],
    ])
    const all = { electionType: 1, topicPartitions: null, timeoutMs: 0 }
    expect((await peer.ask(electLeaders, 1, all)).replicaElectionResults).toEqual([])
    const strange = await peer.ask(electLeaders, 1, { ...all, electionType: 2 })
    expect(errorName(strange.errorCode)).toBe('INVALID_REQUEST')
  })
})

describe('partitions stay where they are', () => {
  test('whatever place is asked for', async () => {
    const places = [[1], [2], [1, 2], [1, 1], [], null]
    const codes: string[] = []
    for (const replicas of places) {
      const partitions = [{ partitionIndex: 0, replicas }]
      const answer = await peer.ask(alterPartitionReassignments, 0, {
        timeoutMs: 1000,
        topics: [{ name: 'a', partitions }],
      })
      codes.push(errorName(answer.responses[0]?.partitions[0]?.errorCode ?? 0))
    }
    expect(codes).toEqual([
      'NONE',
      ...Array(4).fill('INVALID_REPLICA_ASSIGNMENT'),
      'NO_REASSIGNMENT_IN_PROGRESS',
    ])
    const unknown = await peer.ask(alterPartitionReassignments, 0, {
      timeoutMs: 1000,
      topics: [{ name: 'a', partitions: [{ partitionIndex: 7, replicas: [1] }] }],
    })
    expect(unknown.responses[0]?.partitions[0]).toMatchObject({ errorCode: 3 })
    const moves = await peer.ask(listPartitionReassignments, 0, { timeoutMs: 0, topics: null })
    expect(moves).toMatchObject({ errorCode: 0, topics: [] })
  })
})

describe('DescribeTopicPartitions', () => {
  async function page(names: readonly string[], limit: number, cursor: Cursor | null) {
    return peer.ask(describeTopicPartitions, 0, {
      topics: names.map(name => ({ name })),
      responsePartitionLimit: limit,
      cursor,
    })
  }
  interface Cursor {
    readonly topicName: string
    readonly partitionIndex: number
  }

  test('gives every partition once, in order, whatever the size of a page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -1, max: 12 }),
        fc.subarray(['a', 'b', 'b-2', 'c', 'zzz']),
        async (limit, names) => {
          const seen: string[] = []
          let cursor: Cursor | null = null
          do {
            const answer: Awaited<ReturnType<typeof page>> = await page(names, limit, cursor)
            let partitions = 0
            for (const topic of answer.topics) {
              if (topic.errorCode !== 0) seen.push(`${topic.name} ${errorName(topic.errorCode)}`)
              for (const { partitionIndex } of topic.partitions) {
                seen.push(`${topic.name} ${partitionIndex}`)
                partitions++
              }
            }
            expect(partitions).toBeLessThanOrEqual(Math.max(limit, 1))
            cursor = answer.nextCursor
          } while (cursor !== null)
          const wanted = names.length === 0 ? Object.keys(topics) : names
          const expected = Object.entries({ ...topics, zzz: 0 }).flatMap(([name, count]) => {
            if (!wanted.includes(name)) return []
            if (count === 0) return [`${name} UNKNOWN_TOPIC_OR_PARTITION`]
            return Array.from({ length: count }, (_, partition) => `${name} ${partition}`)
          })
          expect(seen).toEqual(expected)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('goes on behind a topic that is not there any more', async () => {
    const answer = await page([], 100, { topicName: 'b-1', partitionIndex: 5 })
    expect(answer.topics.map(({ name }) => name)).toEqual(['b-2', 'c'])
    const invalid = await page(['not a name'], 100, null)
    expect(errorName(invalid.topics[0]?.errorCode ?? 0)).toBe('INVALID_TOPIC_EXCEPTION')
  })
})
