import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MillraceError, StreamsBuilder, string } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'
import { joinTables } from '../oracle/topologies/shared.ts'

/**
 * Joins of tables against a naive interpreter, which keeps the tables and joins all rows anew after each update. What a
 * stream looks up and what a group holds must be that too: the first shows the views of joins without stores, the second
 * their old values.
 */
const text = { key: string(), value: string() }
const kinds = ['join', 'leftJoin', 'outerJoin'] as const
type Kind = (typeof kinds)[number]
type Value = string | null

const plus = (left: Value, right: Value): string => `(${left}+${right})`

const scenario = fc.record({
  first: fc.constantFrom(...kinds),
  second: fc.constantFrom(...kinds),
  firstIsStored: fc.boolean(),
  secondIsStored: fc.boolean(),
  filtered: fc.boolean(),
  steps: fc.array(
    fc.record({
      topic: fc.constantFrom('a', 'b', 'c'),
      key: fc.constantFrom('x', 'y'),
      value: fc.option(fc.constantFrom('1', '2', '3', 'hide')),
    }),
    { maxLength: 20 },
  ),
})

function joined(kind: Kind, left: Value, right: Value): Value {
  if (left === null && (right === null || kind !== 'outerJoin')) return null
  return right === null && kind === 'join' ? null : plus(left, right)
}

test('joins of joins, stored or not, looked up or grouped', () => {
  fc.assert(
    fc.property(scenario, ({ first, second, firstIsStored, secondIsStored, filtered, steps }) => {
      using driver = new TestDriver(builder => {
        const source = builder.table('a', text)
        const a = filtered ? source.filter((_, v) => v !== 'hide') : source
        const b = builder.table('b', text)
        const c = builder.table('c', text).mapValues(v => `${v}!`)
        const ab = joinTables(first, a, b, plus, firstIsStored ? { store: 'ab', ...text } : {})
        const abc = joinTables(second, ab, c, plus, secondIsStored ? { store: 'abc', ...text } : {})
        abc
          .groupBy((key, v) => ['all', `${key}${v}`], text)
          .aggregate(
            (): string[] => [],
            (_, v, all) => [...all, v].toSorted(),
            (_, v, all) => all.toSpliced(all.indexOf(v), all.includes(v) ? 1 : 0),
            { store: 'group' },
          )
        abc.toStream().to('changes', text)
        builder
          .stream('questions', text)
          .leftJoin(abc, (_, answer) => String(answer))
          .to('answers', text)
      })
      const rows = {
        a: new Map<string, string>(),
        b: new Map<string, string>(),
        c: new Map<string, string>(),
      }
      const latest = new Map<string, Value>()
      for (const { topic, key, value } of steps) {
        driver.inputTopic(topic, text).pipe(key, value)
        if (value === null || (value === 'hide' && topic === 'a' && filtered))
          rows[topic].delete(key)
        else rows[topic].set(key, topic === 'c' ? `${value}!` : value)
        const expected = new Map<string, Value>()
        for (const row of ['x', 'y']) {
          const ab = joined(first, rows.a.get(row) ?? null, rows.b.get(row) ?? null)
          expected.set(row, joined(second, ab, rows.c.get(row) ?? null))
        }
        for (const change of driver.outputTopic('changes', text).readAll()) {
          latest.set(String(change.key), change.value)
        }
        for (const [row, result] of expected) {
          expect(latest.get(row) ?? null).toBe(result)
          driver.inputTopic('questions', text).pipe(row, '?')
          expect(driver.outputTopic('answers', text).read()?.value).toBe(String(result))
        }
        const group = [...expected].flatMap(([row, result]) =>
          result === null ? [] : row + result,
        )
        expect(driver.keyValueStore('group').get('all')?.value ?? []).toEqual(group.toSorted())
      }
    }),
    { numRuns: 300 },
  )
})

test('tables of two builders are not joined', () => {
  const one = new StreamsBuilder().table('one', text)
  const two = new StreamsBuilder().table('two', text)
  expect(() => one.join(two, plus)).toThrow(MillraceError)
})

test('the topics of both tables must have the same number of partitions', () => {
  const builder = new StreamsBuilder()
  builder.table('one', text).outerJoin(builder.table('two', text), plus)
  expect(builder.build('app').subtopologies.map(part => part.copartitioned)).toEqual([
    [['one', 'two']],
  ])
})
