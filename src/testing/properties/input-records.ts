import type * as fc from 'fast-check'

import type { Serde } from '../../serde/serde.ts'
import type { DrawOptions, DrawTimes, DrawTopics } from './draws.ts'
import { RecordsArbitrary } from './records-arbitrary.ts'

/** Record of an input topic, as a test draws it. */
export interface InputRecord<Topic extends string = string, K = unknown, V = unknown> {
  readonly topic: Topic
  readonly key: K | null
  readonly value: V | null
  /** Event time in milliseconds since the Unix epoch. */
  readonly timestamp: number
}

/**
 * What the records of one topic are made of.
 */
export interface InputTopicOptions<K, V> extends InputKeys<K>, InputValues<V> {}

interface InputKeys<K> {
  readonly key: Serde<K>
  /** Keys to draw from, the simplest first. */
  readonly keys: readonly NoInfer<K>[]
  /** Whether some records have no key. @defaultValue false */
  readonly nullKeys?: boolean
  /** Whether some records have no value. @defaultValue false */
  readonly tombstones?: boolean
}

interface InputValues<V> {
  readonly value: Serde<V>
  readonly values: fc.Arbitrary<NoInfer<V>>
}

/**
 * What sequences of records look like. Some records have the same time as the one before, whatever the options.
 */
export interface InputRecordsOptions<K, V> extends DrawTimes {
  readonly topics: { readonly [Topic in keyof K]: InputKeys<K[Topic]> } & {
    readonly [Topic in keyof V]: InputValues<V[Topic]>
  }
}

/** Sequences of records, and the topics that they are for: what `inputRecords` makes. */
export interface InputRecords<R extends InputRecord = InputRecord> extends fc.Arbitrary<R[]> {
  readonly topics: DrawTopics
}

/** Record of any of the topics. */
export type AnyInputRecord<K, V> = {
  [Topic in keyof K & keyof V & string]: InputRecord<Topic, K[Topic], V[Topic]>
}[keyof K & keyof V & string]

/**
 * Draws sequences of records over the input topics of an app: out of order, with equal times and duplicates, and by choice
 * late, without keys or values, or after a jump of time. What fails becomes small in this order: fewer records, then
 * simpler keys, values and times. The result is an arbitrary of fast-check.
 *
 * @example
 * ```ts
 * import * as fc from 'fast-check'
 * import { string } from 'millrace'
 * import { inputRecords } from 'millrace/testing/properties'
 *
 * const words = { key: string(), keys: ['a', 'b'], value: string(), values: fc.constantFrom('x', 'y') }
 * const inputs = inputRecords({ topics: { words }, maxLength: 5, stepMs: 1000 })
 * const [records] = fc.sample(inputs, { numRuns: 1, seed: 8 })
 * records // → [
 * //   { topic: 'words', key: 'a', value: 'y', timestamp: 0 },
 * //   { topic: 'words', key: 'b', value: 'y', timestamp: 721 },
 * //   { topic: 'words', key: 'b', value: 'y', timestamp: 1386 },
 * // ]
 * ```
 */
export function inputRecords<K, V>(
  options: InputRecordsOptions<K, V>,
): InputRecords<AnyInputRecord<K, V>>
export function inputRecords(options: DrawOptions): InputRecords {
  return new RecordsArbitrary(options)
}
