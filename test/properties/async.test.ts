import * as fc from 'fast-check'
import { describe, test } from 'vitest'

import {
  type AsyncCall,
  joinWindows,
  keyValueStore,
  type StreamsBuilder,
  string,
  tumbling,
  untilWindowCloses,
} from '../../src/index.ts'
import { inputRecords, laws } from '../../src/testing/properties/index.ts'

/** Results do not depend on commits, stops and kills behind operators whose work takes time, either. */
const text = { key: string(), value: string() }
const numRuns = Math.ceil(Number(process.env['MILLRACE_RUNS'] ?? 10_000) / 500)
const grace = { grace: { milliseconds: 20 } }

/** Takes more or less time by the value, and succeeds at the second attempt for some. */
async function slowly(value: string, { attempt }: Pick<AsyncCall, 'attempt'>): Promise<string> {
  for (let turns = (value.length * 7) % 5; turns > 0; turns--) await Promise.resolve()
  if (value.endsWith('c') && attempt === 1) throw new Error('not at once')
  return value.toUpperCase()
}
const byKey = { retries: 1, concurrency: 3 }
const byPartition = { ...byKey, order: 'partition' } as const
const notes = keyValueStore('notes', text)

const topologies: Record<string, (builder: StreamsBuilder) => void> = {
  'a count by key, and answers about it': b => {
    const slow = b.stream('left', text).mapValuesAsync((v, _, call) => slowly(v, call), byKey)
    const counts = slow.groupByKey(text).count({ store: 'counts' }).toStream()
    counts.mapValuesAsync((n, _, call) => slowly(`${n}`, call), byKey).to('out', text)
  },
  'a repartition in between': b => {
    const slow = b
      .stream('left', text)
      .mapAsync(async (k, v, call) => [await slowly(v, call), k], byPartition)
    slow.groupByKey(text).count().toStream().to('out')
  },
  'windows behind the order of the partition': b => {
    const slow = b.stream('left', text).mapValuesAsync((v, _, call) => slowly(v, call), byPartition)
    const counts = slow.groupByKey(text).windowedBy(tumbling(20, grace)).count()
    counts.suppress(untilWindowCloses()).toStream().to('out')
  },
  'a join of streams behind the order of the partition': b => {
    const slow = b.stream('left', text).mapValuesAsync((v, _, call) => slowly(v, call), byPartition)
    const joined = slow.leftJoin(
      b.stream('right', text),
      (l, r) => `${l}&${r}`,
      joinWindows(10, grace),
      text,
    )
    joined.to('out', text)
  },
  'a processor with a store': b => {
    const noted = b.stream('left', text).processAsync<string, string, string>(
      context => {
        const store = context.store(notes)
        return {
          process: ({ key, value }, call) =>
            slowly(`${store.get(key) ?? ''}${value}`.slice(-9), call),
          completed(record, result) {
            store.put(record.key, result)
            context.forward({ ...record, value: result })
          },
        }
      },
      { stores: [notes], ...byKey },
    )
    noted.to('out', text)
  },
}

describe.each(Object.entries(topologies))('%s', (name, app) => {
  const of = {
    ...text,
    keys: ['k', 'l', 'm'],
    values: fc.constantFrom('a', 'bb', 'ccc', 'dddd', 'eec'),
  }
  const topics = name.startsWith('a join') ? { left: of, right: of } : { left: of }
  const inputs = inputRecords({ topics, stepMs: 6, lateMs: 15 })

  test('does not depend on restarts', () => laws.sameUnderRestarts(app, inputs, { numRuns }))
  // What comes from elsewhere meets a result earlier or later, by how many records are under way at a time.
  test.skipIf('right' in topics)('does not depend on batches', () =>
    laws.sameUnderBatching(app, inputs, { numRuns }),
  )
})
