import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'

import { json, type ReadOnlyKeyValueStore, type StreamsBuilder, string } from '../../src/index.ts'
import { TestApplication, TestDriver } from '../../src/testing/index.ts'
import { naiveForeignKeyJoin, type TableInput } from './foreign-key-join.ts'

const runs = Number(process.env['MILLRACE_RUNS'] ?? 10_000)

const strings = { key: string(), value: string() }
const rows = { key: string(), value: json<NonNullable<TableInput['value']>>() }

function joined(join: 'inner' | 'left'): (builder: StreamsBuilder) => void {
  return builder => {
    const left = builder.table('left', rows)
    const right = builder.table('right', rows)
    const pointer = ({ points }: { points: string | null }): string | null => points
    const plus = (l: { text: string }, r: { text: string } | null): string =>
      `${l.text}+${r?.text ?? null}`
    const options = { store: 'joined', ...strings }
    const result =
      join === 'inner'
        ? left.join(right, pointer, plus, options)
        : left.leftJoin(right, pointer, plus, options)
    result.toStream().to('out')
  }
}

/** Keys of which one begins with another. */
const rightKey = fc.constantFrom('r', 'r1', 's')
const input = fc
  .record({
    side: fc.constantFrom('left', 'right'),
    leftKey: fc.constantFrom('a', 'b', 'ab', 'c'),
    rightKey,
    points: fc.option(rightKey, { freq: 4 }),
    isTombstone: fc.integer({ min: 0, max: 4 }).map(number => number === 0),
    timestamp: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ side, leftKey, rightKey: right, points, isTombstone, timestamp }) => ({
    side,
    key: side === 'left' ? leftKey : right,
    value: isTombstone ? null : { points: side === 'left' ? points : null, text: '' },
    timestamp,
  }))

/** Every value says which record it is. */
const inputs = fc.array(input, { maxLength: 25, size: 'max' }).map(drawn =>
  drawn.map((each, at): TableInput => {
    const { value, ...rest } = each
    return { ...rest, value: value && { ...value, text: `v${at}` } }
  }),
)

describe.each(['inner', 'left'] as const)('%s join by foreign keys', join => {
  test('has the results of tables in one place, in their order', () => {
    fc.assert(
      fc.property(inputs, records => {
        using driver = new TestDriver(joined(join))
        for (const { side, key, value, timestamp } of records) {
          driver.inputTopic(side, rows).pipe(key, value, { timestamp })
        }
        const shown = driver.outputTopic('out', strings).readAll()
        const expected = naiveForeignKeyJoin(join, records)
        expect(shown.map(({ key, value, timestamp }) => ({ key, value, timestamp }))).toEqual(
          expected.outputs,
        )
        expect(driver.droppedRecords).toBe(expected.dropped)
      }),
      { numRuns: runs },
    )
  })
})

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-foreign-keys-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const interruption = fc.record({
  after: fc.nat(24),
  how: fc.constantFrom('commit', 'restart', 'kill', 'kill in commit', 'wipe'),
})

async function endsAsItShould(
  join: 'inner' | 'left',
  records: readonly TableInput[],
  breaks: readonly { after: number; how: string }[],
  stateFolder?: string,
): Promise<void> {
  const partitions = { left: 3, right: 2, out: 3 }
  const options = { partitions, ...(stateFolder !== undefined && { stateFolder }) }
  await using application = await TestApplication.start(joined(join), options)
  for (const [index, { side, key, value, timestamp }] of records.entries()) {
    application.inputTopic(side, rows).pipe(key, value, { timestamp })
    // An inner join may keep a result, as in Kafka Streams, when a row is updated while an answer to it is on its way.
    if (join === 'inner') await application.settle()
    else await application.process()
    for (const { how } of breaks.filter(({ after }) => after === index)) {
      if (how === 'commit') await application.commit()
      else if (how === 'restart') await application.restart()
      else await application.kill({ wipe: how === 'wipe', withinCommit: how === 'kill in commit' })
    }
  }
  await application.settle()
  const store = application.store<ReadOnlyKeyValueStore<string, string>>('joined')
  const found = new Map<string, string>()
  for await (const { key, value } of store.all()) found.set(key, value)
  expect(found).toEqual(naiveForeignKeyJoin(join, records).rows)
}

describe.each(['inner', 'left'] as const)('%s join over partitions', join => {
  test('ends with the rows that it should, whatever comes between', async () => {
    const property = fc.asyncProperty(
      inputs,
      fc.array(interruption, { maxLength: 4 }),
      (records, breaks) => endsAsItShould(join, records, breaks),
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 25) })
  })

  test('and on LevelDB', async () => {
    let run = 0
    const property = fc.asyncProperty(
      inputs,
      fc.array(interruption, { maxLength: 4 }),
      (records, breaks) =>
        endsAsItShould(join, records, breaks, path.join(folder, `${join}-${run++}`)),
    )
    await fc.assert(property, { numRuns: Math.ceil(runs / 400) })
  })
})
