import { defineApp } from '../../src/dsl/define-app.ts'
import type { LogClient } from '../../src/client/log-client.ts'
import { type Application } from '../../src/runtime/application.ts'
import { json } from '../../src/serde/json.ts'
import { string } from '../../src/serde/string.ts'
import type { ReadOnlyKeyValueStore } from '../../src/state/stores.ts'
import { foldTopic, readText, record, type TestRecord } from './testbed.ts'

const text = { key: string(), value: string() }
const number = json<number>()

/**
 * The running sum of each key. One result for each record, in its order: so what comes out tells of every record that was
 * counted twice, not at all, or on a store that was not what it should be.
 */
export const sums = defineApp('sums', builder => {
  builder
    .stream('in', text)
    .groupByKey()
    .aggregate(
      () => 0,
      (_key, value, sum) => sum + Number(value),
      { store: 'sums', value: number },
    )
    .toStream()
    .to('out', { key: string(), value: number })
})

export const partitions = 2

export async function createTopics(client: LogClient): Promise<void> {
  await client.createTopics(['in', 'out'].map(name => ({ name, partitions })))
}

/** Powers of two, so that every sum tells of what it is made; the keys take turns. */
export function sumsInput(from: number, to: number): TestRecord[] {
  return Array.from({ length: to - from }, (_, i) => {
    const n = from + i
    return record(`key-${n % 3}`, `${2 ** Math.floor(n / 3)}`)
  })
}

/** By key, the sums after each of its records. */
export function naiveSums(input: readonly TestRecord[]): Record<string, number[]> {
  const results: Record<string, number[]> = {}
  for (const { key, value } of input) {
    const before = (results[`${key}`] ??= [])
    before.push((before.at(-1) ?? 0) + Number(value))
  }
  return results
}

/** What readers of committed records find in the output, by key and in order. */
export async function committedSums(client: LogClient): Promise<Record<string, number[]>> {
  const results: Record<string, number[]> = {}
  for (const line of await readText(client, 'out')) {
    const [key = '', value] = line.split('=')
    ;(results[key] ??= []).push(Number(value))
  }
  return results
}

/** The last of each list. */
export const lastOf = (results: Record<string, number[]>): Record<string, number> =>
  Object.fromEntries(Object.entries(results).map(([key, list]) => [key, list.at(-1) ?? 0]))

export async function storedSums(application: Application): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  const store = application.store<ReadOnlyKeyValueStore<string, number>>('sums')
  for await (const { key, value } of store.all()) found[key] = value
  return found
}

/** The table that the changelog is. */
export async function changelogSums(client: LogClient): Promise<Record<string, number>> {
  const rows = await foldTopic(client, 'sums-sums-changelog')
  return Object.fromEntries(
    [...rows].map(([key, value]) => [Buffer.from(key, 'hex').toString(), Number(value.toString())]),
  )
}

/** Partitions of the application in which a transaction is open. */
export async function openTransactions(client: LogClient): Promise<string[]> {
  const all = ['out', 'sums-sums-changelog'].flatMap(topic =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const ends = await client.listOffsets(all, 'latest')
  const stable = await client.listOffsets(all, 'lastStable')
  return ends
    .filter(({ offset }, i) => offset !== stable[i]?.offset)
    .map(({ topic, partition }) => `${topic}-${partition}`)
}
