import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'

/**
 * The words that a user reads in the editor when a topology cannot be right. The program is compiled by the TypeScript
 * that is installed here.
 */
const root = path.join(import.meta.dirname, '../..')
const folder = mkdtempSync(path.join(tmpdir(), 'millrace-types-'))
afterAll(() => rmSync(folder, { recursive: true }))

const preamble = `
  import { StreamsBuilder, long, string } from '${root}/src/index.ts'
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', { key: string(), value: string() })
  const table = builder.table('table', { key: long(), value: string() })
`

const streams = `
  import { StreamsBuilder, joinWindows, long, string } from '${root}/src/index.ts'
  const builder = new StreamsBuilder()
  const stream = builder.stream('in', { key: string(), value: string() })
  const other = builder.stream('other', { key: long(), value: string() })
`

test('a join of different keys is refused with a sentence, and accepted once the key is the same', () => {
  writeFileSync(
    path.join(folder, 'refused.mts'),
    `${preamble}
    stream.join(table, (value, row) => value + row)`,
  )
  writeFileSync(
    path.join(folder, 'accepted.mts'),
    `${preamble}
    stream.selectKey(key => key.length).join(table, (value, row) => value + row)`,
  )
  const output = compile()
  expect(output).toContain(
    'The keys of the stream and of the table have different types: give the stream the key of the table with ' +
      'selectKey, or join a global table',
  )
  expect(output).toContain('refused.mts(7,')
  expect(output).not.toContain('accepted.mts')
})

test('so is a join of streams with different keys', () => {
  writeFileSync(
    path.join(folder, 'refused.mts'),
    `${streams}
    stream.join(other, (left, right) => left + right, joinWindows(10))
    stream.outerJoin(other, (left, right) => [left, right], joinWindows(10))`,
  )
  writeFileSync(
    path.join(folder, 'accepted.mts'),
    `${streams}
    const same = stream.selectKey(key => key.length)
    same.leftJoin(other, (left, right) => left + (right ?? ''), joinWindows(10))
    // @ts-expect-error what may be missing is null
    same.leftJoin(other, (left, right) => right.length, joinWindows(10))
    // @ts-expect-error a join of streams needs windows
    same.join(other, (left, right) => left + right)`,
  )
  const output = compile()
  expect(output).toContain(
    'The keys of the two streams have different types: give one of them the key of the other with selectKey',
  )
  expect(output).toContain('refused.mts(7,')
  expect(output).toContain('refused.mts(8,')
  expect(output).not.toContain('accepted.mts')
})

function compile(): string {
  const typeRoots = [path.join(root, 'node_modules/@types')]
  const config = {
    extends: path.join(root, 'tsconfig.json'),
    compilerOptions: { typeRoots },
    include: [],
    files: ['refused.mts', 'accepted.mts'],
  }
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = path.join(root, 'node_modules/.bin/tsc')
  return spawnSync(tsc, ['-p', folder], { encoding: 'utf8' }).stdout
}
