/**
 * `apps/reference.ts` with its input, and what it must have written, computed from the committed input with folds as plain as they can be. Lists are
 * compared, not sets or sums: a record lost, doubled, or out of its order is found, and so is a store that was not as
 * it should have been when a record met it.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { partitionForKey } from '../../src/protocol/murmur2.ts'
import { PARTITIONS, regrouped, Value, WINDOW_MS } from './apps/reference.ts'
import { generate } from './generator.ts'
import type { Entry, Lists } from './log-view.ts'
import type { Subject } from './subject.ts'

const inputTopic = 'data'
const repartitionTopic = 'reference-again-repartition'

export const referenceSubject: Subject = {
  app: join(import.meta.dirname, 'apps/reference.ts'),
  name: 'reference',
  partitions: PARTITIONS,
  inputs: [inputTopic],
  tables: [],
  repartitions: [repartitionTopic],
  outputs: ['echo', 'sum', 'min', 'windows', 'max', 'count'],
  stores: {
    sums: { shownBy: 'sum', windowed: false },
    minima: { shownBy: 'min', windowed: false },
    windows: { shownBy: 'windows', windowed: true },
    maxima: { shownBy: 'max', windowed: false },
    counts: { shownBy: 'count', windowed: false },
  },
  progress: 'count',
  write: (client, pace) =>
    generate(client, {
      ...pace,
      topic: inputTopic,
      partitions: PARTITIONS,
      next: (number, random) => ({
        key: `key ${random.below(200)}`,
        value: JSON.stringify({ id: String(number), n: random.below(2_000_001) - 1_000_000 }),
        timestamp: 1_700_000_000_000 + number * 37,
      }),
    }),
  verify,
}

interface Shown {
  readonly key: string | null
  readonly value: string | null
}

/** Throws with the first record that is not as it should be. */
function verify(lists: Lists): void {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const input = listOf(lists, inputTopic, partition)
    compare('echo', partition, listOf(lists, 'echo', partition), input)
    const fold = folding(lists, partition, input)
    fold('sum', keyOf, (sum, { n }) => (sum ?? 0) + n)
    fold('min', keyOf, (min, { n }) => Math.min(n, min ?? Infinity))
    fold('windows', windowKey, count => (count ?? 0) + 1)
    const again = folding(lists, partition, listOf(lists, repartitionTopic, partition))
    again('max', keyOf, (max, { n }) => Math.max(n, max ?? -Infinity))
    again('count', keyOf, count => (count ?? 0) + 1)
  }
  verifyRepartition(lists)
}

/**
 * The repartition topic holds each record of the input once, and those of one input partition in their order. How the records
 * of several partitions meet in it is nobody's promise.
 */
function verifyRepartition(lists: Lists): void {
  for (let target = 0; target < PARTITIONS; target++) {
    const from = new Map<string, number>()
    const wanted: Shown[][] = []
    const found: Shown[][] = []
    for (let source = 0; source < PARTITIONS; source++) {
      const all = listOf(lists, inputTopic, source).map(({ key, value }) => {
        from.set(idOf(value), source)
        assert(key !== null && value !== null)
        return { key: regrouped(parse(value)), value }
      })
      wanted.push(all.filter(({ key }) => partitionForKey(Buffer.from(key), PARTITIONS) === target))
      found.push([])
    }
    for (const { key, value } of listOf(lists, repartitionTopic, target)) {
      found[from.get(idOf(value)) ?? -1]?.push({ key, value })
    }
    assert.equal(
      found.flat().length,
      listOf(lists, repartitionTopic, target).length,
      `${repartitionTopic}-${target} has records that are not in the input`,
    )
    for (const [source, records] of found.entries()) {
      compare(`${repartitionTopic} from ${source}`, target, records, wanted[source] ?? [])
    }
  }
}

/** For each input record exactly one output record, in order, whose value is the fold so far. */
function folding(lists: Lists, partition: number, input: readonly Entry[]) {
  return (
    topic: string,
    keyFor: (entry: Entry) => string,
    step: (state: number | undefined, value: Value) => number,
  ): void => {
    const states = new Map<string, number>()
    const wanted = input.map(entry => {
      const key = keyFor(entry)
      const state = step(states.get(key), parse(entry.value))
      states.set(key, state)
      return { key, value: int64(state) }
    })
    compare(topic, partition, listOf(lists, topic, partition), wanted)
  }
}

function compare(
  what: string,
  partition: number,
  found: readonly Shown[],
  wanted: readonly Shown[],
): void {
  for (const [index, { key, value }] of wanted.entries()) {
    const there = found[index]
    if (there?.key === key && there.value === value) continue
    const around = (list: readonly Shown[]): string =>
      list
        .slice(Math.max(0, index - 2), index + 3)
        .map(each => `${readable(each.key)}: ${readable(each.value)}`)
        .join(' | ')
    assert.fail(
      `${what}, partition ${partition}: record ${index} of ${found.length} (${wanted.length} wanted) differs.\n` +
        `found  ${around(found)}\nwanted ${around(wanted)}`,
    )
  }
  assert.equal(
    found.length,
    wanted.length,
    `${what}, partition ${partition}, has more than it should`,
  )
}

const readable = (text: string | null): string =>
  text === null || /^[\x20-\x7e]*$/.test(text)
    ? String(text)
    : Buffer.from(text, 'latin1').toString('hex')

const listOf = (lists: Lists, topic: string, partition: number): readonly Entry[] => {
  const list = lists.get(topic)?.[partition]
  assert(list !== undefined, `${topic}-${partition} was not read`)
  return list
}

const parse = (value: string | null): Value => Value.parse(JSON.parse(value ?? 'null'))
const idOf = (value: string | null): string => parse(value).id
const keyOf = ({ key }: Entry): string => key ?? ''
const windowKey = ({ key, timestamp }: Entry): string =>
  `${key}${int64(timestamp - (timestamp % WINDOW_MS))}`

function int64(number: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(number))
  return bytes.toString('latin1')
}
