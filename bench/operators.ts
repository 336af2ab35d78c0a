/**
 * What each stateful operator costs: records that a task takes from its queue, processes, and commits every 1,000 to a log in
 * memory, with stores in memory, behind a cache, and in LevelDB. First at about ten records of a key in a window, then, for operators with
 * windows, at 1, 10 and 100: a rate that falls by more than the factor of the records would be worse than linear. A join of
 * streams gives one result for each partner, so its rate falls by that factor.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  hopping,
  joinWindows,
  keyValueStore,
  sessions,
  sliding,
  type StreamsBuilder,
  string,
  tumbling,
  untilWindowCloses,
} from '../src/index.ts'
import { TestApplication } from '../src/testing/index.ts'
import { amount, throughput } from './measure.ts'

const text = { key: string(), value: string() }
const recordsPerCommit = 1000
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-operators-'))

interface Operator {
  /** Windows, where there are any, are as long. */
  readonly build: (builder: StreamsBuilder, windowMs: number) => void
  /** Topics, to which records go in turn. @defaultValue left */
  readonly topics?: readonly ('left' | 'right')[]
  /** Whether it has windows to grow. */
  readonly windowed?: boolean
}

const grouped = (builder: StreamsBuilder) => builder.stream('left', text).groupByKey()
const pair = (left: string | null, right: string | null): string => `${left}${right}`

const both = ['left', 'right'] as const

const operators: Record<string, Operator> = {
  count: { build: b => grouped(b).count() },
  reduce: { build: b => grouped(b).reduce((_, value) => value) },
  'aggregate, repartitioned': {
    build: b =>
      b
        .stream('left', text)
        .groupBy((key, value) => value + key, text)
        .aggregate(
          () => '',
          (_, value) => value,
          { value: string() },
        ),
  },
  'tumbling count': {
    build: (b, size) => grouped(b).windowedBy(tumbling(size)).count(),
    windowed: true,
  },
  'tumbling count, on close': {
    build: (b, size) => grouped(b).windowedBy(tumbling(size)).emitStrategy('onWindowClose').count(),
    windowed: true,
  },
  'tumbling count, suppressed': {
    build: (b, size) => grouped(b).windowedBy(tumbling(size)).count().suppress(untilWindowCloses()),
    windowed: true,
  },
  'hopping count, 4 a record': {
    build: (b, size) =>
      grouped(b)
        .windowedBy(hopping(size, { advance: Math.ceil(size / 4) }))
        .count(),
    windowed: true,
  },
  'sliding count': {
    build: (b, size) => grouped(b).windowedBy(sliding(size)).count(),
    windowed: true,
  },
  'session count': {
    build: (b, size) => grouped(b).windowedBy(sessions(size)).count(),
    windowed: true,
  },
  cogroup: {
    build: b =>
      grouped(b)
        .cogroup<string>((_, value) => value)
        .cogroup(b.stream('right', text).groupByKey(), (_, value) => value)
        .aggregate(() => '', { value: string() }),
    topics: both,
  },
  'table, count by group': {
    build: b =>
      b
        .table('left', text)
        .groupBy((key, value) => [value, key], text)
        .count(),
  },
  'join of tables': {
    build: b => b.table('left', text).join(b.table('right', text), pair),
    topics: both,
  },
  'join by a foreign key': {
    build: b => b.table('left', text).join(b.table('right', text), (_, key) => key, pair),
    topics: both,
  },
  'join with a table': {
    build: b => b.stream('left', text).join(b.table('right', text), pair).to('out', text),
    topics: both,
  },
  'join with a table, grace': {
    build: b => {
      const table = b.table('right', { ...text, store: 'rows', historyRetention: { seconds: 10 } })
      b.stream('left', text)
        .join(table, pair, { grace: { seconds: 1 } })
        .to('out', text)
    },
    topics: both,
  },
  'join of streams': {
    build: (b, size) =>
      b
        .stream('left', text)
        .join(b.stream('right', text), pair, joinWindows(Math.floor(size / 2)))
        .to('out', text),
    topics: both,
    windowed: true,
  },
  'outer join of streams': {
    build: (b, size) =>
      b
        .stream('left', text)
        .outerJoin(b.stream('right', text), pair, joinWindows(Math.floor(size / 2)))
        .to('out', text),
    topics: both,
    windowed: true,
  },
  deduplicateByKey: {
    build: (b, size) => b.stream('left', text).deduplicateByKey(size).to('out', text),
    windowed: true,
  },
  'processor with a store': {
    build: b => {
      const seen = keyValueStore('seen', text)
      b.stream('left', text).process(
        context => {
          const store = context.store(seen)
          return { process: ({ key, value }) => store.put(key, value) }
        },
        { stores: [seen] },
      )
    },
  },
}

interface Shape {
  readonly keys: number
  /** Of each key and topic, so many records fall into a window. */
  readonly perWindow: number
  readonly records: number
}

async function measure(
  name: string,
  operator: Operator,
  shape: Shape,
  setting: { stateFolder?: string; cacheMaxBytes?: number } = {},
): Promise<void> {
  const { build, topics = ['left'] } = operator
  const { keys, perWindow, records } = shape
  const application = await TestApplication.start(
    builder => build(builder, keys * perWindow * topics.length),
    setting,
  )
  const inputs = topics.map(topic => application.inputTopic(topic, text))
  let at = 0
  // One record each millisecond, topics in turn.
  const pipe = (count: number): void => {
    for (const end = at + count; at < end; at++) {
      const key = `key ${Math.floor(at / inputs.length) % keys}`
      inputs[at % inputs.length]?.pipe(key, `value ${at % 10}`, { timestamp: at })
    }
  }
  const work = async (): Promise<void> => {
    while ((await application.process(recordsPerCommit)) > 0) await application.commit()
  }
  pipe(keys * perWindow * inputs.length)
  await work()
  await throughput(
    name,
    'records/s',
    async () => {
      await work()
      return records
    },
    () => pipe(records),
  )
  await application.close()
}

let folders = 0
for (const [name, operator] of Object.entries(operators)) {
  const shape = { keys: amount(1000), perWindow: 10, records: amount(10_000) }
  await measure(`${name}, memory`, operator, shape)
  await measure(`${name}, cached`, operator, shape, { cacheMaxBytes: 10 * 1024 * 1024 })
  const stateFolder = path.join(folder, `${folders++}`)
  await measure(`${name}, LevelDB`, operator, shape, { stateFolder })
}
for (const [name, operator] of Object.entries(operators)) {
  if (operator.windowed !== true) continue
  for (const perWindow of [1, 10, 100]) {
    const shape = { keys: 20, perWindow, records: amount(2000) }
    await measure(`${name}, ${perWindow} in a window`, operator, shape)
  }
}
rmSync(folder, { recursive: true })
