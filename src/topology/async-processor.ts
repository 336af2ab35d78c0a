import type { AsyncCall } from './async-call.ts'
import type { ProcessorContext } from './processor.ts'
import type { StreamRecord } from './record.ts'

/**
 * A processor whose work takes time, in two steps. What `process` returns, or the promise of it, is handed to `completed` when
 * it is there: in the turn of the task, in order, and never if the task was taken away meanwhile.
 *
 * Stores are used in `completed`, and may be used in `process` before its first `await`; after it they throw
 * PROCESSING_ERROR, because the task is at something else by then. What `process` puts into a store a retry puts again,
 * so do that in `completed`.
 *
 * @example
 * ```ts
 * import { type AsyncProcessorSupplier, keyValueStore, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const known = keyValueStore('known', text)
 * const asked: string[] = []
 * const capitalOf: AsyncProcessorSupplier<string, string, string, string, string> = context => {
 *   const store = context.store(known)
 *   return {
 *     async process({ value: country }) {
 *       const capital = store.get(country)
 *       if (capital !== undefined) return capital
 *       asked.push(country)
 *       await Promise.resolve('a look into the atlas')
 *       return `capital of ${country}`
 *     },
 *     completed({ key, value: country, timestamp, headers }, capital) {
 *       store.put(country, capital)
 *       context.forward({ key, value: capital, timestamp, headers })
 *     },
 *     close() {},
 *   }
 * }
 * const driver = new TestDriver(builder => {
 *   builder.stream('in', text).processAsync(capitalOf, { stores: [known] }).to('out', text)
 * })
 * const input = driver.inputTopic('in', text)
 * input.pipe('a', 'Peru')
 * input.pipe('a', 'Peru')
 * await driver.settle()
 * driver.outputTopic('out', text).readAll().length // → 2
 * asked // → ['Peru']
 * ```
 */
export interface AsyncProcessor<KIn = unknown, VIn = unknown, R = unknown> {
  /** Does the work. What it throws, or its promise rejects with, fails the attempt. */
  process(record: StreamRecord<KIn, VIn>, call: AsyncCall): R | PromiseLike<R>
  /** Takes the result: here records are forwarded. What it throws is for the processing handler to decide. */
  completed(record: StreamRecord<KIn, VIn>, result: R): void
  /** Called when the task ends, however it ends. */
  close?(): void
}

/** As `ProcessorSupplier`, for a processor whose work takes time and comes to an `R`. */
export type AsyncProcessorSupplier<
  KIn = unknown,
  VIn = unknown,
  KOut = unknown,
  VOut = unknown,
  R = unknown,
> = (context: ProcessorContext<KOut, VOut>) => AsyncProcessor<KIn, VIn, R>
