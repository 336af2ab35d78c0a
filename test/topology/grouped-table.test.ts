import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { integer, json, long, string } from '../../src/index.ts'
import { TestDriver } from '../../src/testing/index.ts'

/**
 * Grouped tables against a naive interpreter, which keeps the rows and, after each update, looks at all of them. Groups
 * are objects, so that only their bytes can tell which ones are the same.
 */
interface Row {
  readonly group: number | null
  readonly amount: number
}

const rows = { key: string(), value: json<Row>() }
const amounts = { key: json<{ g: number }>(), value: integer() }

const updates = fc.array(
  fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd'),
    row: fc.option(
      fc.record({ group: fc.option(fc.nat(2)), amount: fc.integer({ min: -5, max: 5 }) }),
    ),
    timestamp: fc.nat(20),
  }),
  { maxLength: 25 },
)

test('counts, sums and lists are those of the rows that there are', () => {
  fc.assert(
    fc.property(updates, steps => {
      using driver = new TestDriver(builder => {
        const grouped = builder
          .table('in', rows)
          .groupBy(
            (_, { group, amount }) => [group === null ? null : { g: group }, amount],
            amounts,
          )
        grouped.count({ store: 'counts', value: long() })
        grouped.reduce(
          (sum, n) => sum + n,
          (sum, n) => sum - n,
          { store: 'sums' },
        )
        grouped.aggregate(
          (): number[] => [],
          (_, n, all) => [...all, n].toSorted((a, b) => a - b),
          (_, n, all) => (all.length === 1 ? null : all.toSpliced(all.indexOf(n), 1)),
          { store: 'lists' },
        )
      })
      const model = new Map<string, Row>()
      const everFilled = new Set<number>()
      for (const { key, row, timestamp } of steps) {
        driver.inputTopic('in', rows).pipe(key, row, { timestamp })
        if (row === null) model.delete(key)
        else model.set(key, row)
        if (row !== null && row.group !== null) everFilled.add(row.group)

        const expected = [...everFilled]
          .toSorted((a, b) => a - b)
          .map(group => ({
            key: { g: group },
            amounts: [...model.values()].filter(one => one.group === group).map(one => one.amount),
          }))
        const stored = (store: string): unknown =>
          driver
            .keyValueStore(store)
            .rows()
            .map(one => [one.key, one.value])
        expect(stored('counts')).toEqual(expected.map(one => [one.key, one.amounts.length]))
        expect(stored('sums')).toEqual(
          expected.map(one => [one.key, one.amounts.reduce((sum, n) => sum + n, 0)]),
        )
        expect(stored('lists')).toEqual(
          expected
            .filter(one => one.amounts.length > 0)
            .map(one => [one.key, one.amounts.toSorted((a, b) => a - b)]),
        )
      }
    }),
    { numRuns: 200 },
  )
})

test('the changes of a group carry what the group before it subtracts', () => {
  fc.assert(
    fc.property(updates, steps => {
      using driver = new TestDriver(builder => {
        builder
          .table('in', rows)
          .filter((_, { amount }) => amount >= 0)
          .mapValues(({ group }) => group)
          .groupBy((key, group) => [group, key], { key: integer(), value: string() })
          .count()
          .filter((_, count) => count > 0)
          .groupBy((group, count) => [count, group], { key: long(), value: integer() })
          .count({ store: 'groups-of-size' })
      })
      const model = new Map<string, Row>()
      for (const { key, row, timestamp } of steps) {
        driver.inputTopic('in', rows).pipe(key, row, { timestamp })
        if (row === null) model.delete(key)
        else model.set(key, row)
      }
      const counted = [...model.values()].filter(
        ({ amount, group }) => amount >= 0 && group !== null,
      )
      const sizes = [...Map.groupBy(counted, one => one.group).values()].map(({ length }) => length)
      const expected = new Map(
        [...Map.groupBy(sizes, size => size)].map(([n, all]) => [n, all.length]),
      )
      for (const { key, value } of driver.keyValueStore<number, number>('groups-of-size').rows()) {
        expect(value, `groups of ${key}`).toBe(expected.get(key) ?? 0)
        expected.delete(key)
      }
      expect([...expected]).toEqual([])
    }),
    { numRuns: 200 },
  )
})
