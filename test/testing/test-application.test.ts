import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, describe, expect, test } from 'vitest'

import {
  long,
  type ReadOnlyKeyValueStore,
  type ReadOnlyWindowStore,
  type StreamsBuilder,
  string,
  tumbling,
} from '../../src/index.ts'
import { type KillOptions, TestApplication } from '../../src/testing/index.ts'

const strings = { key: string(), value: string() }
const folder = mkdtempSync(join(tmpdir(), 'millrace-test-application-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Counts per key, then per value by way of a repartition topic. */
function counts(builder: StreamsBuilder): void {
  const words = builder.stream('words', strings)
  words.groupByKey().count({ store: 'by-key' })
  words
    .groupBy((_, value) => value, strings)
    .count({ store: 'by-value' })
    .toStream()
    .to('out', { value: long() })
}

async function all<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const found: Row[] = []
  for await (const row of rows) found.push(row)
  return found
}

const piped = Array.from({ length: 40 }, (_, i) => ({
  key: `key${i % 7}`,
  value: `value${i % 3}`,
  timestamp: i,
}))

const countOf = (field: 'key' | 'value', name: string): number =>
  piped.filter(record => record[field] === name).length

/** What is done to the application between two records. */
const events: Record<string, (application: TestApplication) => Promise<void>> = {
  nothing: async () => {},
  process: async application => void (await application.process()),
  'process a part': async application => void (await application.process(2)),
  commit: application => application.commit(),
  settle: application => application.settle(),
  restart: application => application.restart(),
  ...Object.fromEntries(
    [{}, { wipe: true }, { withinCommit: true }, { wipe: true, withinCommit: true }].map(
      (how: KillOptions) => [
        `kill ${JSON.stringify(how)}`,
        async (application: TestApplication) => {
          await application.process()
          await application.kill(how)
        },
      ],
    ),
  ),
}

describe.each(['memory', 'LevelDB'])('in %s', engine => {
  const options = (name: string) =>
    engine === 'memory' ? {} : { stateFolder: join(folder, name.replaceAll(/\W/g, '-')) }

  test.each(Object.keys(events))('every record counts once: %s', async name => {
    await using application = await TestApplication.start(counts, {
      ...options(name),
      partitions: 3,
    })
    const words = application.inputTopic('words', strings)
    for (const [i, { key, value, timestamp }] of piped.entries()) {
      words.pipe(key, value, { timestamp })
      if (i % 9 === 8) await events[name]?.(application)
    }
    await application.settle()
    const byKey = application.store<ReadOnlyKeyValueStore<string, number>>('by-key')
    const rows = await all(byKey.all())
    expect(rows.map(({ key }) => key).sort()).toEqual([...new Set(piped.map(({ key }) => key))])
    for (const { key, value } of rows) expect(value).toBe(countOf('key', key))
    const byValue = application.store<ReadOnlyKeyValueStore<string, number>>('by-value')
    expect(byValue.get('value1')).toEqual({ value: countOf('value', 'value1'), timestamp: 37 })
    const out = application.outputTopic('out', { key: string(), value: long() }).readAll()
    const last = new Map(out.map(({ key, value }) => [key, value]))
    expect(last.get('value2')).toBe(countOf('value', 'value2'))
    expect(application.droppedRecords).toBe(0)
    expect(application.topics.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'out',
      'test-by-key-changelog',
      'test-by-value-changelog',
      'test-by-value-repartition',
      'words',
    ])
  })

  test('global tables are read at the start and followed', async () => {
    const application = await TestApplication.start(
      builder => {
        const names = builder.globalTable('names', { ...strings, store: 'names' })
        builder
          .stream('in', strings)
          .join(
            names,
            (_, value) => value,
            (value, name) => `${value} is ${name}`,
          )
          .to('out', strings)
      },
      { ...options('global'), partitions: 2 },
    )
    const names = application.inputTopic('names', strings)
    const input = application.inputTopic('in', strings)
    names.pipe('x', 'Xaver')
    input.pipe('k', 'x')
    await application.settle()
    await application.kill({ wipe: true })
    names.pipe('y', 'Yvonne')
    await application.restart()
    input.pipe('k', 'y')
    input.pipe('k', 'x')
    await application.settle()
    const out = application.outputTopic('out', strings).readAll()
    expect(out.map(({ value }) => value)).toEqual(['x is Xaver', 'y is Yvonne', 'x is Xaver'])
    expect(application.store<ReadOnlyKeyValueStore<string, string>>('names').get('y')?.value).toBe(
      'Yvonne',
    )
    await application.close()
  })
})

test('drops of work that was undone count once', async () => {
  const application = await TestApplication.start(builder => {
    const perMinute = tumbling({ minutes: 1 })
    builder.stream('in', strings).groupByKey().windowedBy(perMinute).count({ store: 'counts' })
  })
  const input = application.inputTopic('in', strings)
  input.pipe('a', 'x', { timestamp: 600_000 })
  input.pipe('a', 'late', { timestamp: 0 })
  await application.settle()
  input.pipe('a', 'late', { timestamp: 1 })
  await application.process()
  expect(application.droppedRecords).toBe(2)
  await application.kill()
  expect(application.droppedRecords).toBe(1)
  await application.settle()
  expect(application.droppedRecords).toBe(2)
  const counts = application.store<ReadOnlyWindowStore<string, number>>('counts')
  expect(await all(counts.all())).toEqual([
    { key: 'a', windowStart: 600_000, value: 1, timestamp: 600_000 },
  ])
  await application.close()
})

test('a partition can be given, and the clock is moved by hand', async () => {
  const application = await TestApplication.start(
    builder => builder.stream('in', strings).to('out', strings),
    { partitions: { in: 3 }, startTimeMs: 5 },
  )
  const input = application.inputTopic('in', strings)
  input.pipe('a', 'second', { partition: 2 })
  application.advance(10)
  input.pipe('a', 'first', { partition: 0 })
  expect(() => input.pipe('a', 'none', { partition: 3 })).toThrow('in has 3 partitions')
  await application.settle()
  expect(application.outputTopic('out', strings).readAll()).toMatchObject([
    { value: 'first', timestamp: 15 },
    { value: 'second', timestamp: 5 },
  ])
  await application.close()
})

test('topics that are joined need the same number of partitions', async () => {
  const start = TestApplication.start(
    builder => {
      const table = builder.table('table', strings)
      builder
        .stream('stream', strings)
        .join(table, (left, right) => left + right)
        .to('out', strings)
    },
    { partitions: { stream: 2, table: 3 } },
  )
  await expect(start).rejects.toThrow(expect.objectContaining({ code: 'WRONG_PARTITIONS' }))
})
