import type { DurationLike } from '../windowing/duration.ts'
import type { RecordMetadata, StreamRecord } from './record.ts'

/**
 * One operator at work in one task. `process` is synchronous: it calls `context.forward`, which calls the children
 * directly, depth first, in the order in which they were added. Kafka Streams' `processor.api.Processor`, whose `init` is
 * the call of the supplier.
 *
 * @example
 * ```ts
 * import { type Processor, type ProcessorContext, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const calls: string[] = []
 * const noisy = (context: ProcessorContext<string, string>): Processor<string, string> => {
 *   calls.push(`init ${context.nodeName}`)
 *   return {
 *     process(record) {
 *       calls.push(`process ${record.value}`)
 *       context.forward(record)
 *     },
 *     close() {
 *       calls.push('close')
 *     },
 *   }
 * }
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   builder.stream('in', text).process(noisy, { name: 'noisy' }).to('out', text)
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes')
 * driver.close()
 * calls // → ['init noisy', 'process yes', 'close']
 * ```
 */
export interface Processor<KIn = unknown, VIn = unknown> {
  /** Takes a record. What it throws is for the processing handler to decide. */
  process(record: StreamRecord<KIn, VIn>): void
  /** Called when the task ends, however it ends. */
  close?(): void
}

/**
 * Makes the processor of a node for a task: called once per task, when its stores are open and restored, parents before
 * children. It must return another processor each time. Kafka Streams' `ProcessorSupplier`.
 */
export type ProcessorSupplier<KIn = unknown, VIn = unknown, KOut = unknown, VOut = unknown> = (
  context: ProcessorContext<KOut, VOut>,
) => Processor<KIn, VIn>

/**
 * What a processor can see and do. Kafka Streams' `processor.api.ProcessorContext`.
 *
 * @example
 * ```ts
 * import { keyValueStore, string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const waiting = keyValueStore('waiting', text)
 * const driver = new TestDriver(builder => {
 *   const sent = builder.stream('in', text).process(
 *     context => {
 *       const store = context.store(waiting)
 *       const every = { seconds: 10 }
 *       const sending = context.schedule({ every, type: 'streamTime' }, timestamp => {
 *         for (const { key, value } of store.rows()) {
 *           context.forward({ key, value, timestamp, headers: [] }, 'sink')
 *           store.delete(key)
 *         }
 *         context.commit()
 *       })
 *       return {
 *         process({ key, value }) {
 *           if (key === null) context.drop('nobody can wait without a key')
 *           else if (value === 'stop') sending.cancel()
 *           else store.put(key, value)
 *         },
 *       }
 *     },
 *     { stores: [waiting] },
 *   )
 *   sent.to('out', { ...text, name: 'sink' })
 * })
 * const input = driver.inputTopic('in', text)
 * input.pipe('b', 'one', { timestamp: 1000 })
 * input.pipe(null, 'two', { timestamp: 2000 })
 * input.pipe('a', 'three', { timestamp: 3000 })
 * input.pipe('b', 'four', { timestamp: 14_000 })
 * input.pipe('b', 'stop', { timestamp: 15_000 })
 * input.pipe('b', 'five', { timestamp: 60_000 })
 * const output = driver.outputTopic('out', text).readAll()
 * output.map(({ value, timestamp }) => `${value} at ${timestamp}`) // → [
 * //   'one at 1000',
 * //   'three at 14000',
 * //   'four at 14000'
 * // ]
 * driver.droppedRecords // → 1
 * ```
 */
export interface ProcessorContext<KOut = unknown, VOut = unknown> {
  readonly applicationId: string
  /** `<sub-topology>_<partition>`, such as `0_3`. */
  readonly taskId: string
  /** Name of the node this processor runs in. */
  readonly nodeName: string
  /**
   * Hands the record to the children, or only to the one called `childName`. Only inside `process` and punctuators; throws
   * PROCESSING_ERROR elsewhere and when there is no such child.
   */
  forward(record: StreamRecord<KOut, VOut>, childName?: string): void
  /**
   * A store connected to this node, or a global store, which can only be read. Of a name, the caller says which interface
   * the kind of the store promises. Throws UNKNOWN_STORE when there is none of that name, or it is not connected.
   */
  store<S>(store: string | StoreReference<S>): S
  /** Where the record being processed came from: the input of the whole sub-topology. Null in punctuators. */
  readonly recordMetadata: RecordMetadata | null
  /** Largest timestamp of all records that the task has taken from its inputs; -1 before the first. */
  readonly currentStreamTimeMs: number
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly currentSystemTimeMs: number
  /**
   * Has a function called again and again, until it is cancelled or the task ends. By stream time it is called after the
   * first record, then when stream time has reached the next multiple of the interval; by the wall clock one interval from
   * now, then on that grid, whether or not there are records. With `startAt` the grid begins there. Times that were missed
   * are made up for by one call. `StreamTask#schedule`, KIP-1146.
   *
   * Throws INVALID_CONFIG when the interval is not at least a millisecond.
   */
  schedule(options: ScheduleOptions, punctuator: Punctuator): Cancellable
  /** Asks for a commit of all tasks of this instance as soon as the record is processed. */
  commit(): void
  /**
   * A number that the task keeps across restarts, wherever it goes on: it is committed with the offsets of the inputs. The
   * name is the task's, so make it unique: with the name of the node or of a store. All numbers of a task together have some
   * three thousand bytes; those beyond are not kept. Kafka Streams' `ProcessorMetadata`.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder
   *     .stream('in', text)
   *     .process<string, number>(context => {
   *       const seen = context.metadata('seen')
   *       return {
   *         process(record) {
   *           seen.value = Math.max(seen.value, record.timestamp)
   *           context.forward({ ...record, value: seen.value })
   *         },
   *       }
   *     })
   *     .foreach((_, latest) => times.push(latest))
   * })
   * const times: number[] = []
   * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: 20 })
   * driver.inputTopic('in', text).pipe('a', 'late', { timestamp: 10 })
   * times // → [20, 20]
   * ```
   */
  metadata(name: string): ProcessorMetadata
  /** Counts a record that was not processed (`dropped-records-total`) and logs why. */
  drop(reason: string): void
}

/**
 * Puts something around each processor of a topology, those of the DSL too: to trace, to measure, to log. It gets the name of the
 * node and what makes its processor, and returns what is to be used in its place. Kafka Streams' `ProcessorWrapper`, KIP-1112.
 */
export type ProcessorWrapper = (
  processorName: string,
  supplier: ProcessorSupplier,
) => ProcessorSupplier

/** What `metadata` gives: set the value, a whole number of at least 0. */
export interface ProcessorMetadata {
  /** -1 before the first was set. */
  value: number
}

/** Names a store; whoever made it knows what it is to those who use it. */
export interface StoreReference<S> {
  readonly name: string
  /** Only for the compiler of TypeScript: no value ever stands here. */
  readonly interface?: S
}

/** When a punctuator is called. */
export interface ScheduleOptions {
  /** The interval: at least a millisecond. */
  readonly every: DurationLike
  /** Which clock: the largest timestamp that the task has seen, or the machine's. Kafka Streams' `PunctuationType`. */
  readonly type: 'streamTime' | 'wallClock'
  /** Time of the first call, in milliseconds since the Unix epoch; if it has passed, the next one on the grid from there. */
  readonly startAt?: number
}

/** Called with the present time of its clock, in milliseconds since the Unix epoch, not with the time it was due. */
export type Punctuator = (timestamp: number) => void

/** What was scheduled. */
export interface Cancellable {
  /** No more calls. */
  cancel(): void
}
