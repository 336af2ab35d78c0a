import type { ProcessorContext } from './processor.ts'

/**
 * Gives the values of a table new ones, with what it remembers. Kafka Streams' `ValueTransformerWithKey`.
 *
 * @example
 * ```ts
 * import { string, type ValueTransformer } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const calls: string[] = []
 * const loud = (): ValueTransformer<string, string, string> => ({
 *   transform(key, value) {
 *     calls.push(`${key} is ${value}`)
 *     return value === null ? null : value.toUpperCase()
 *   },
 *   close() {
 *     calls.push('close')
 *   },
 * })
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   builder.table('in', text).transformValues(loud).toStream().to('out', text)
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes')
 * driver.inputTopic('in', text).pipe('a', null)
 * driver.close()
 * calls // → ['a is yes', 'a is null', 'close']
 * driver.outputTopic('out', text).readAll().map(({ value }) => value) // → ['YES', null]
 * ```
 */
export interface ValueTransformer<K = unknown, V = unknown, V2 = unknown> {
  /**
   * The new value of a row; null for none. Called for deletions too, whose value is null, and, where the table has no store, each
   * time a join looks the row up.
   */
  transform(key: K, value: V | null): V2 | null
  /** Called when the task ends, however it ends. */
  close?(): void
}

/** What a transformer can see and do: all that a processor can, but to forward records. */
export type ValueTransformerContext = Omit<ProcessorContext, 'forward'>

/**
 * Makes a transformer for a task, and one more for each join that looks rows up in a table without a store. It must return
 * another one each time. Kafka Streams' `ValueTransformerWithKeySupplier`.
 */
export type ValueTransformerSupplier<K = unknown, V = unknown, V2 = unknown> = (
  context: ValueTransformerContext,
) => ValueTransformer<K, V, V2>
