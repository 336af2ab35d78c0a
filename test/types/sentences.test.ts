import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/**
 * The words that a user reads in the editor when a topology cannot be right. Each program is compiled by the TypeScript
 * that is installed here: what is refused with its sentence, and what is accepted instead.
 */
const root = path.join(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-types-'))
afterAll(() => rmSync(folder, { recursive: true }))

const preamble = `
import { StreamsBuilder, joinWindows, json, long, sessions, string, tumbling, untilTimeLimit, untilWindowCloses } from '${root}/src/index.ts'
const builder = new StreamsBuilder()
const stream = builder.stream('in', { key: string(), value: string() })
const other = builder.stream('other', { key: long(), value: string() })
const table = builder.table('table', { key: long(), value: string() })
const names = builder.table('names', { key: string(), value: string() })
const group = stream.groupByKey()
`

interface Case {
  readonly title: string
  readonly sentence: string
  readonly refused: readonly string[]
  readonly accepted: readonly string[]
}

const cases: readonly Case[] = [
  {
    title: 'a join of a stream and a table with different keys',
    sentence:
      'The keys of the stream and of the table have different types: give the stream the key of the table with ' +
      'selectKey, or join a global table',
    refused: [
      'stream.join(table, (value, row) => value + row)',
      'stream.leftJoin(table, (value, row) => value + row)',
    ],
    accepted: ['stream.selectKey(key => key.length).join(table, (value, row) => value + row)'],
  },
  {
    title: 'a join of streams with different keys',
    sentence:
      'The keys of the two streams have different types: give one of them the key of the other with selectKey',
    refused: [
      'stream.join(other, (left, right) => left + right, joinWindows(10))',
      'stream.leftJoin(other, (left, right) => left + right, joinWindows(10))',
      'stream.outerJoin(other, (left, right) => [left, right], joinWindows(10))',
      'group.cogroup((_, v, a: string) => a + v).cogroup(other.groupByKey(), (_, v, a) => a + v)',
    ],
    accepted: [
      "stream.selectKey(key => key.length).leftJoin(other, (l, r) => l + (r ?? ''), joinWindows(10))",
      'group.cogroup((_, v, a: string) => a + v).cogroup(group, (_, v, a) => a + v)',
    ],
  },
  {
    title: 'a join of tables with different keys',
    sentence:
      'The keys of the two tables have different types: join by a foreign key, or make a table with the key of the other',
    refused: [
      'names.join(table, (left, right) => left + right)',
      "names.leftJoin(table, (left, right) => left + (right ?? ''))",
      'names.outerJoin(table, left => left)',
      'names.join(group.windowedBy(tumbling(10)).count(), (left, right) => left + right)',
    ],
    accepted: [
      'names.join(group.count(), (left, right) => left.repeat(right))',
      "names.outerJoin(names, (left, right) => left ?? right ?? '')",
    ],
  },
  {
    title: 'a table without windows that waits until they close',
    sentence:
      'The keys of this table have no windows that could close: suppress the table of a windowed aggregation, or until a time limit',
    refused: ['group.count().suppress(untilWindowCloses())', 'names.suppress(untilWindowCloses())'],
    accepted: [
      'names.suppress(untilTimeLimit(10))',
      'group.windowedBy(tumbling(10)).count().suppress(untilTimeLimit(10))',
      'group.windowedBy(tumbling(10)).count().suppress(untilWindowCloses({ maxRecords: 10 }))',
    ],
  },
  {
    title: 'a merge of streams with different records',
    sentence:
      'The records of the two streams have different types: make them the same with map or mapValues before they are merged',
    refused: ['stream.merge(other)', 'stream.merge(stream.mapValues(value => value.length))'],
    accepted: ['stream.merge(stream.filter(Boolean))', 'stream.merge(other.selectKey(String))'],
  },
  {
    title: 'a reducer that gives null',
    sentence:
      'A reducer gives a value of the same type and never null: filter the values before it, or use aggregate, whose null deletes the row',
    refused: [
      "group.reduce((aggregate, value) => (value === '' ? null : aggregate + value))",
      'group.reduce((aggregate, value) => value.length)',
      'group.windowedBy(tumbling(10)).reduce(() => null)',
      'group.windowedBy(sessions(10)).reduce(() => null)',
      'names.groupBy((k, v) => [v, k], { key: string(), value: string() }).reduce(() => null, a => a)',
    ],
    accepted: [
      'group.reduce((aggregate, value) => aggregate + value)',
      'other.mapValues(value => value.length).groupByKey().reduce(Math.max)',
      'names.groupBy((k, v) => [v, k], { key: string(), value: string() }).reduce(a => a, () => null)',
    ],
  },
  {
    title: 'an initializer that gives null',
    sentence:
      'The initializer gives null, which stands for no aggregate: give the aggregate of no values',
    refused: [
      'group.aggregate(() => null, (_, value, aggregate) => aggregate)',
      'group.aggregate((): string | null => null, (_, value, aggregate) => aggregate + value)',
      'group.windowedBy(tumbling(10)).aggregate(() => null, (_, value, aggregate) => aggregate)',
    ],
    accepted: [
      "group.aggregate(() => 0, (_, value, sum) => (value === '' ? null : sum + value.length))",
      'group.aggregate(() => ({ n: 0 }), (_, value, { n }) => ({ n: n + 1 }), { value: json<{ n: number }>() })',
    ],
  },
  {
    title: 'a merger that gives null',
    sentence:
      'A merger gives the aggregate of both sessions and never null: filter the table after it',
    refused: [
      'group.windowedBy(sessions(10)).aggregate(() => 0, (_, v, sum) => sum + 1, () => null)',
    ],
    accepted: [
      'group.windowedBy(sessions(10)).aggregate(() => 0, (_, v, sum) => sum + 1, (_, one, two) => one + two)',
    ],
  },
  {
    title: 'results on window close without windows',
    sentence: 'Only windowed streams have windows that close: call windowedBy before emitStrategy',
    refused: ["group.emitStrategy('onWindowClose')"],
    accepted: ["group.windowedBy(tumbling(10)).emitStrategy('onWindowClose').count()"],
  },
]

/** What is refused without a sentence of its own: no such method, or a function of other types. */
const nonsense = [
  'stream.windowedBy(tumbling(10))',
  'stream.count()',
  'names.windowedBy(tumbling(10))',
  'stream.join(other, (left, right) => left + right)',
  'stream.leftJoin(names, (value, row) => row.length)',
  'stream.outerJoin(stream, (left, right) => left.length, joinWindows(10))',
  'stream.map(() => null)',
  'stream.flatMapValues(() => null)',
  "stream.to('out', { value: long() })",
  'group.count({ retention: { days: 1 } })',
  'names.join(table, value => value, (left, right) => left + right)',
  "stream.processValues(c => ({ process: r => c.forward({ ...r, key: 'x' }) }))",
  'stream.groupBy((_, value) => value.length, { key: string() })',
]

describe('the compiler', () => {
  let output = ''
  beforeAll(() => {
    for (const [i, { refused, accepted }] of cases.entries()) {
      for (const [j, line] of refused.entries()) write(`refused-${i}-${j}`, line)
      for (const [j, line] of accepted.entries()) write(`accepted-${i}-${j}`, line)
    }
    for (const [i, line] of nonsense.entries()) write(`nonsense-${i}`, line)
    output = compile()
  })

  test.each(cases.map((each, i) => ({ ...each, i })))(
    'refuses $title',
    ({ i, sentence, ...lines }) => {
      for (const [j, line] of lines.refused.entries()) {
        expect(errorsOf(output, `refused-${i}-${j}`), line).toContain(sentence)
      }
      for (const [j, line] of lines.accepted.entries()) {
        expect(errorsOf(output, `accepted-${i}-${j}`), line).toBe('')
      }
    },
  )

  test.each(nonsense.map((line, i) => ({ line, i })))('refuses $line', ({ i }) => {
    expect(errorsOf(output, `nonsense-${i}`)).not.toBe('')
  })
})

const files: string[] = []

function write(name: string, line: string): void {
  files.push(`${name}.mts`)
  writeFileSync(path.join(folder, `${name}.mts`), `${preamble}${line}\n`)
}

/** The errors of one program, with the lines that explain them. */
function errorsOf(output: string, name: string): string {
  const errors = output.split(/\n(?! )/)
  return errors.filter(error => error.startsWith(`${name}.mts(`)).join('\n')
}

function compile(): string {
  const typeRoots = [path.join(root, 'node_modules/@types')]
  const config = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions: { typeRoots, noUnusedLocals: false, noUnusedParameters: false },
    include: [],
    files,
  }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = path.join(root, 'node_modules/.bin/tsc')
  return spawnSync(tsc, ['-p', folder, '--pretty', 'false'], { cwd: folder, encoding: 'utf8' })
    .stdout
}
