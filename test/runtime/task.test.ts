import { createHook } from 'node:async_hooks'

import { describe, expect, test } from 'vitest'

import type { FetchedPartition } from '../../src/client/log-client.ts'
import { silentLogger } from '../../src/logger.ts'
import { RecordBatchBuilder } from '../../src/protocol/record-batch-builder.ts'
import { RecordReader } from '../../src/protocol/record-batch-reader.ts'
import { RecordCollector } from '../../src/runtime/record-collector.ts'
import { Task, type TaskInput } from '../../src/runtime/task.ts'
import { long } from '../../src/serde/numbers.ts'
import { string } from '../../src/serde/string.ts'
import type { TimestampedKeyValueStore } from '../../src/state/stores.ts'
import { newTaskState } from '../../src/state/task-state.ts'
import type { ProcessorContext, ProcessorSupplier } from '../../src/topology/processor.ts'
import { type TaskConfig, resolveTaskConfig } from '../../src/topology/task-config.ts'
import type {
  ProcessorNode,
  SinkNode,
  SourceNode,
  StoreDefinition,
  TopologyNode,
} from '../../src/topology/topology.ts'

const source = (name: string, topic: string, more: Partial<SourceNode> = {}): SourceNode => ({
  kind: 'source',
  name,
  topics: [topic],
  key: string(),
  value: string(),
  ...more,
})
const processor = (
  name: string,
  parents: string[],
  supplier: ProcessorSupplier,
  stores: string[] = [],
): ProcessorNode => ({ kind: 'processor', name, parents, stores, supplier })
const sink = (name: string, parents: string[], topic: string): SinkNode => ({
  kind: 'sink',
  name,
  parents,
  topic,
  key: string(),
  value: string(),
})

const counts: StoreDefinition = {
  kind: 'timestampedKeyValue',
  name: 'counts',
  key: string(),
  value: long(),
  changelogTopic: 'app-counts-changelog',
}
const countInto: ProcessorSupplier = context => {
  const store = context.store<TimestampedKeyValueStore<unknown, number>>('counts')
  return {
    process(record) {
      const count = (store.get(record.key)?.value ?? 0) + 1
      store.put(record.key, count, record.timestamp)
      context.forward({ ...record, value: `${count}` })
    },
  }
}

interface Setup {
  nodes: TopologyNode[]
  stores?: StoreDefinition[]
  inputs?: TaskInput[]
  globalStore?: (name: string) => unknown
  config?: TaskConfig
  now?: () => number
}

function setUp({
  nodes,
  stores = [],
  inputs,
  globalStore = () => undefined,
  config = {},
  now = () => 0,
}: Setup) {
  const collector = new RecordCollector({ partitions: topic => (topic === 'out' ? 3 : 4) })
  const state = newTaskState('0_2', stores)
  const task = new Task({
    applicationId: 'app',
    taskId: '0_2',
    partition: 2,
    nodes,
    stores,
    inputs: inputs ?? [{ topic: 'in', partition: 2, offset: 0, metadata: '' }],
    state,
    collector,
    globalStore,
    config: resolveTaskConfig(config),
    now,
    logger: silentLogger,
  })
  return { task, collector, state }
}

/** [key, value, timestamp] */
type Row = readonly [string, string, number]

function fetched(
  topic: string,
  rows: readonly Row[],
  { offset = 0, skip = 0, behind = 0 }: { offset?: number; skip?: number; behind?: number } = {},
): FetchedPartition {
  const builder = new RecordBatchBuilder()
  for (const [key, value, timestamp] of rows) {
    builder.append(Buffer.from(key), Buffer.from(value), timestamp, [])
  }
  const nextOffset = offset + rows.length
  return {
    topic,
    partition: 2,
    batches: builder.build({ baseOffset: offset }),
    offset: offset + skip,
    nextOffset,
    highWatermark: nextOffset + behind,
  }
}

/** Notes what passes. */
function recorder(into: string[], name = ''): ProcessorSupplier {
  return context => ({
    process(record) {
      into.push(`${name}${String(record.value)}`)
      context.forward(record)
    },
  })
}

function sent(collector: RecordCollector): string[] {
  const reader = new RecordReader()
  return collector.drain().flatMap(({ topic, partition, batch }) => {
    const records: string[] = []
    reader.reset(batch)
    while (reader.next()) {
      records.push(
        `${topic}-${partition}: ${String(reader.key)} ${String(reader.value)} @${reader.timestamp}`,
      )
    }
    return records
  })
}

describe('choosing the next record', () => {
  const twoInputs = ['left', 'right'].map(topic => ({
    topic,
    partition: 2,
    offset: 0,
    metadata: '',
  }))
  const twoSources = (seen: string[]) => [
    source('L', 'left'),
    source('R', 'right'),
    processor('P', ['L', 'R'], recorder(seen)),
  ]

  test('the smallest timestamp is next, of equal ones the one that has waited longer', () => {
    const seen: string[] = []
    const { task } = setUp({ nodes: twoSources(seen), inputs: twoInputs })
    task.add(
      fetched('right', [
        ['k', 'r1', 1],
        ['k', 'r2', 2],
        ['k', 'r3', 5],
      ]),
    )
    task.add(
      fetched('left', [
        ['k', 'l2', 2],
        ['k', 'l1', 1],
        ['k', 'l9', 9],
      ]),
    )
    expect(task.process(100)).toBe(6)
    expect(seen).toEqual(['r1', 'l2', 'l1', 'r2', 'r3', 'l9'])
    expect(task.streamTime).toBe(9)
  })

  test('an input of which the task does not know that it has all is waited for', () => {
    const seen: string[] = []
    const { task } = setUp({ nodes: twoSources(seen), inputs: twoInputs })
    task.add(
      fetched('left', [
        ['k', 'l5', 5],
        ['k', 'l7', 7],
      ]),
    )
    expect(task.process(100)).toBe(0)
    task.add(fetched('right', [['k', 'r1', 1]], { behind: 1 }))
    expect(task.isReady).toBe(true)
    expect(task.process(100)).toBe(1)
    expect(task.isReady).toBe(false)
    task.add(fetched('right', [['k', 'r6', 6]], { offset: 1 }))
    expect(task.process(100)).toBe(3)
    expect(seen).toEqual(['r1', 'l5', 'r6', 'l7'])
    expect(task.isCaughtUp).toBe(true)
  })

  test('an empty input is not waited for once its end is known', () => {
    const seen: string[] = []
    const { task } = setUp({ nodes: twoSources(seen), inputs: twoInputs })
    task.add(fetched('left', [['k', 'l5', 5]]))
    task.knowHighWatermark({ topic: 'right', partition: 2, offset: 0 })
    expect(task.process(100)).toBe(1)
  })

  test('a slice ends after its records or when it is told that its time is over', () => {
    const seen: string[] = []
    const { task } = setUp({ nodes: [source('S', 'in'), processor('P', ['S'], recorder(seen))] })
    task.add(
      fetched(
        'in',
        Array.from({ length: 100 }, (_, i): Row => ['k', `${i}`, i]),
      ),
    )
    expect(task.process(3)).toBe(3)
    expect(task.process(50, () => true)).toBeLessThan(50)
    expect(task.process(1000)).toBeLessThan(97)
    expect(seen).toHaveLength(100)
    expect(task.bufferedBytes({ topic: 'in', partition: 2 })).toBe(0)
  })

  test('records below the position and batches without records are passed over', () => {
    const seen: string[] = []
    const { task } = setUp({ nodes: [source('S', 'in'), processor('P', ['S'], recorder(seen))] })
    task.add(
      fetched(
        'in',
        [
          ['k', 'a', 1],
          ['k', 'b', 2],
        ],
        { skip: 1 },
      ),
    )
    task.add({ ...fetched('in', [], { offset: 2 }), nextOffset: 5, highWatermark: 5 })
    task.process(10)
    expect(seen).toEqual(['b'])
    expect(task.prepareCommit()).toEqual([expect.objectContaining({ offset: 5 })])
  })
})

test('a record goes depth first through the nodes, children in their order', () => {
  const seen: string[] = []
  const { task, collector } = setUp({
    nodes: [
      source('S', 'in'),
      processor('A', ['S'], recorder(seen, 'A')),
      processor('B', ['S'], recorder(seen, 'B')),
      processor('AA', ['A'], recorder(seen, 'AA')),
      sink('out-A', ['AA'], 'out'),
      processor('AB', ['A', 'B'], recorder(seen, 'AB')),
    ],
  })
  task.add(fetched('in', [['k', '1', 7]]))
  task.process(1)
  expect(seen).toEqual(['A1', 'AA1', 'AB1', 'B1', 'AB1'])
  expect(sent(collector)).toEqual([expect.stringMatching(/^out-\d: k 1 @7$/)])
})

test('a record is forwarded to the child that is named, and only to one that is there', () => {
  const seen: string[] = []
  const toValue: ProcessorSupplier = context => ({
    process: record => context.forward(record, String(record.value)),
  })
  const { task } = setUp({
    nodes: [
      source('S', 'in'),
      processor('P', ['S'], toValue),
      processor('A', ['P'], recorder(seen, 'A')),
      processor('B', ['P'], recorder(seen, 'B')),
    ],
  })
  const rows: Row[] = ['B', 'A', 'S'].map(value => ['k', value, 1])
  task.add(fetched('in', rows))
  expect(() => task.process(3)).toThrow('Processor P has no child S to forward to')
  expect(seen).toEqual(['BB', 'AA'])
})

test('offsets and partition times are committed and restored', () => {
  const nodes = [source('S', 'in')]
  const { task } = setUp({ nodes })
  expect(task.needsCommit).toBe(false)
  task.add(
    fetched('in', [
      ['k', 'a', 300],
      ['k', 'b', 200],
    ]),
  )
  task.process(1)
  expect(task.needsCommit).toBe(true)
  const [committed] = task.prepareCommit()
  // Magic 2 and the partition time, as Kafka Streams writes it.
  expect(committed).toEqual({
    topic: 'in',
    partition: 2,
    offset: 1,
    metadata: Buffer.from('02000000000000012c', 'hex').toString('base64'),
  })
  expect(task.needsCommit).toBe(false)
  const restarted = setUp({ nodes, inputs: committed === undefined ? [] : [committed] }).task
  expect(restarted.streamTime).toBe(300)
  restarted.add(
    fetched(
      'in',
      [
        ['k', 'a', 300],
        ['k', 'b', 200],
      ],
      { skip: 1 },
    ),
  )
  expect(restarted.process(10)).toBe(1)
  expect(restarted.streamTime).toBe(300)
})

test('a commit sends one changelog record per changed key to the partition of the task', () => {
  const { task, collector, state } = setUp({
    nodes: [
      source('S', 'in'),
      processor('C', ['S'], countInto, ['counts']),
      sink('O', ['C'], 'out'),
    ],
    stores: [counts],
  })
  task.add(
    fetched('in', [
      ['a', 'x', 1],
      ['b', 'x', 2],
      ['a', 'x', 3],
    ]),
  )
  task.process(10)
  const outputs = collector.drain()
  expect(outputs.every(({ topic }) => topic === 'out')).toBe(true)
  task.prepareCommit()
  const changes = collector.drain()
  expect(changes).toHaveLength(1)
  const changelog = { topic: 'app-counts-changelog', partition: 2 }
  expect(changes).toMatchObject([changelog])
  expect(task.isChangelog(changelog)).toBe(true)
  expect(task.isChangelog({ ...changelog, partition: 1 })).toBe(false)
  expect(task.isChangelog({ topic: 'out', partition: 2 })).toBe(false)
  expect(task.completeCommit([{ ...changelog, offset: 42 }])).toBeUndefined()
  expect(state.checkpoint(changelog)).toBe(42)
})

describe('errors name the place', () => {
  const fails =
    (value: string): ProcessorSupplier =>
    () => ({
      process(record) {
        if (record.value === value) throw new TypeError('no such city')
      },
    })

  test('a function of the user threw', () => {
    const { task } = setUp({
      nodes: [source('S', 'in'), processor('CITY', ['S'], fails('bad'))],
    })
    task.add(
      fetched(
        'in',
        [
          ['k', 'good', 1],
          ['k', 'bad', 2],
          ['k', 'good', 3],
        ],
        { offset: 5 },
      ),
    )
    const failure = expect.objectContaining({
      code: 'PROCESSING_ERROR',
      message:
        'Processor CITY of task 0_2 threw on the record at topic in, partition 2, offset 6: no such city',
      cause: expect.any(TypeError),
    })
    expect(() => task.process(10)).toThrow(failure)
    // Neither does a second call go on behind the record, nor can it be committed.
    expect(() => task.process(10)).toThrow(failure)
    expect(() => task.prepareCommit()).toThrow(failure)
  })

  test('bytes that the serde of the source refuses', () => {
    const { task } = setUp({ nodes: [source('S', 'in', { value: long() })] })
    task.add(fetched('in', [['k', 'too long a long', 1]], { offset: 5 }))
    const failure = expect.objectContaining({
      code: 'SERDE_ERROR',
      message: expect.stringContaining('topic in, partition 2, offset 5'),
    })
    expect(() => task.process(10)).toThrow(failure)
    expect(() => task.isReady).toThrow(failure)
  })

  test('timestamps that are none', () => {
    for (const timestamp of [Number.NaN, 0.5, 2 ** 60]) {
      const { task } = setUp({ nodes: [source('S', 'in', { timestamp: () => timestamp })] })
      task.add(fetched('in', [['k', 'v', 1]]))
      expect(() => task.process(10)).toThrow(
        expect.objectContaining({
          code: 'INVALID_TIMESTAMP',
          message: expect.stringContaining('topic in, partition 2, offset 0'),
        }),
      )
    }
    const { task } = setUp({ nodes: [source('S', 'in')] })
    task.add(fetched('in', [['k', 'v', -1]]))
    expect(() => task.process(10)).toThrow(expect.objectContaining({ code: 'INVALID_TIMESTAMP' }))
  })

  test('a value that the serde of a sink refuses', () => {
    const { task } = setUp({
      nodes: [source('S', 'in'), { ...sink('OUT', ['S'], 'out'), value: long() }],
    })
    task.add(fetched('in', [['k', 'text', 1]]))
    expect(() => task.process(10)).toThrow(
      expect.objectContaining({
        code: 'SERDE_ERROR',
        message: expect.stringMatching(/topic out.*serde long of OUT/),
      }),
    )
  })

  test('a partitioner that returns no partition', () => {
    const { task } = setUp({
      nodes: [source('S', 'in'), { ...sink('OUT', ['S'], 'out'), partitioner: () => 3 }],
    })
    task.add(fetched('in', [['k', 'v', 1]]))
    expect(() => task.process(10)).toThrow(/partitioner of OUT returned 3.*0 to 2/)
  })

  test('forward is called when no record is being processed', () => {
    const contexts: ProcessorContext[] = []
    const { task } = setUp({
      nodes: [
        source('S', 'in'),
        processor('LATER', ['S'], context => {
          contexts.push(context)
          return { process() {} }
        }),
      ],
    })
    task.add(fetched('in', [['k', 'v', 1]]))
    task.process(1)
    const record = { key: 'k', value: 'v', timestamp: 1, headers: [] }
    expect(() => contexts[0]?.forward(record)).toThrow(/LATER called forward outside of process/)
    expect(contexts[0]?.recordMetadata).toBeNull()
  })

  test('a store that is not connected', () => {
    const nodes = [source('S', 'in'), processor('C', ['S'], countInto)]
    expect(() => setUp({ nodes, stores: [counts] })).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_STORE',
        message: expect.stringContaining('counts'),
      }),
    )
  })
})

test('global stores are there for every processor', () => {
  const store = { get: () => undefined }
  let given: unknown
  setUp({
    nodes: [
      source('S', 'in'),
      processor('G', ['S'], context => {
        given = context.store('airports')
        return { process() {} }
      }),
    ],
    globalStore: name => (name === 'airports' ? store : undefined),
  })
  expect(given).toBe(store)
})

test('an extractor sees the partition time and skips records by a negative time', () => {
  const seen: string[] = []
  const times: number[] = []
  const { task } = setUp({
    nodes: [
      source('S', 'in', {
        timestamp(_, record, partitionTime) {
          times.push(partitionTime)
          return record.value === 'skip' ? -1 : record.timestamp + 1000
        },
      }),
      processor('P', ['S'], context => ({
        process: ({ timestamp }) => seen.push(`${timestamp} ${context.currentStreamTimeMs}`),
      })),
    ],
  })
  task.add(
    fetched('in', [
      ['k', 'a', 5],
      ['k', 'skip', 9],
      ['k', 'b', 3],
      ['k', 'skip', 3],
    ]),
  )
  expect(task.process(10)).toBe(2)
  expect(times).toEqual([-1, 1005, 1005, 1005])
  expect(seen).toEqual(['1005 1005', '1003 1005'])
  expect(task.droppedRecords).toBe(2)
  expect(task.prepareCommit()).toEqual([expect.objectContaining({ offset: 4 })])
})

test('processing a record creates no promise', () => {
  const { task } = setUp({
    nodes: [
      source('S', 'in'),
      processor('C', ['S'], countInto, ['counts']),
      sink('O', ['C'], 'out'),
    ],
    stores: [counts],
  })
  const rows = Array.from({ length: 10_000 }, (_, i): Row => [`k${i % 100}`, 'v', i])
  task.add(fetched('in', rows))
  let promises = 0
  const hook = createHook({
    init(_id, type) {
      if (type === 'PROMISE') promises++
    },
  }).enable()
  const processed = task.process(10_000)
  task.prepareCommit()
  hook.disable()
  expect(processed).toBe(10_000)
  expect(promises).toBeLessThan(10)
  // The hook does see promises.
  hook.enable()
  void Promise.resolve()
  hook.disable()
  expect(promises).toBeGreaterThan(0)
})
