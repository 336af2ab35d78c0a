import type { KStream } from './kstream.ts'
import type { Named } from './options.ts'

/**
 * What a branch is called and what comes of it. Kafka Streams' `Branched`.
 */
export interface Branched<Name extends string, K, V, R> extends Named {
  /** The key under which its stream is found, and the end of the name of its node. */
  readonly name?: Name
  /**
   * What is done with the stream of the branch at once. What it returns is found in its place; a branch whose function returns
   * nothing is not found. Kafka Streams' `Branched.withFunction` and `withConsumer`.
   */
  readonly chain?: (branch: KStream<K, V>) => R
}

/**
 * A stream being split. Each method returns the split with one more branch; `defaultBranch` or `noDefaultBranch` ends it
 * and returns the streams by the names of their branches. A branch without a name has a number, counted from 1 over all
 * branches; the default branch has 0.
 *
 * In Kafka Streams the map has the names of the nodes, which begin with the name of the split.
 */
export interface BranchedKStream<
  K,
  V,
  Branches extends object = object,
  Numbers extends readonly unknown[] = readonly [unknown],
> {
  /**
   * Adds a branch with the records for which the predicate is true and none before it was. A type guard narrows the
   * values of this branch.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const { long, 2: short } = builder
   *     .stream('words', text)
   *     .split()
   *     .branch((_, word) => word.length > 2, { name: 'long' })
   *     .branch((_, word) => word.length > 0)
   *     .noDefaultBranch()
   *   long.to('long-words')
   *   short.to('short-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * driver.inputTopic('words', text).pipe('b', 'no')
   * driver.outputTopic('long-words', text).readAll() // → [{ key: 'a', value: 'yes', … }]
   * driver.outputTopic('short-words', text).readAll() // → [{ key: 'b', value: 'no', … }]
   * ```
   */
  branch<S extends V, Name extends string = `${Numbers['length']}`, R = KStream<K, S>>(
    predicate: (key: K, value: V) => value is S,
    options?: Branched<Name, K, S, R>,
  ): BranchedKStream<K, V, Branches & Branch<Name, R>, readonly [...Numbers, unknown]>
  branch<Name extends string = `${Numbers['length']}`, R = KStream<K, V>>(
    predicate: (key: K, value: V) => boolean,
    options?: Branched<Name, K, V, R>,
  ): BranchedKStream<K, V, Branches & Branch<Name, R>, readonly [...Numbers, unknown]>

  /**
   * Ends the split with a branch for the records that no predicate took, and returns all branches.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const { shouted, 0: others } = builder
   *     .stream('words', text)
   *     .split()
   *     .branch((_, word) => word.endsWith('!'), { name: 'shouted' })
   *     .defaultBranch()
   *   shouted.mapValues(word => word.slice(0, -1)).merge(others).to('words-only', text)
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes!')
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.outputTopic('words-only', text).readAll().map(({ value }) => value) // → ['yes', 'no']
   * ```
   */
  defaultBranch<Name extends string = '0', R = KStream<K, V>>(
    options?: Branched<Name, K, V, R>,
  ): Branches & Branch<Name, R>

  /**
   * Ends the split and returns its branches. Records that no predicate took vanish; they are not counted as dropped.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const split = builder.stream('words', text).split()
   *   const { long } = split.branch((_, word) => word.length > 2, { name: 'long' }).noDefaultBranch()
   *   long.to('long-words')
   * })
   * driver.inputTopic('words', text).pipe('a', 'no')
   * driver.inputTopic('words', text).pipe('b', 'yes')
   * driver.outputTopic('long-words', text).readAll() // → [{ key: 'b', value: 'yes', … }]
   * driver.droppedRecords // → 0
   * ```
   */
  noDefaultBranch(): Branches
}

type Branch<Name extends string, R> = [R] extends [void] ? object : { readonly [N in Name]: R }
