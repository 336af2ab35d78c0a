import { MillraceError } from '../errors.ts'
import { newTaskState, type TaskState } from '../state/task-state.ts'
import type {
  Cancellable,
  ProcessorContext,
  ProcessorMetadata,
  Punctuator,
  ScheduleOptions,
  StoreReference,
} from '../topology/processor.ts'
import type { RecordMetadata, StreamRecord } from '../topology/record.ts'
import type { StoreBuilder } from '../topology/store-builder.ts'

/**
 * What a processor finds around it.
 */
export interface MockProcessorContextOptions {
  /** The stores that it is connected to; they are in memory. */
  readonly stores?: readonly StoreBuilder[]
  /** @defaultValue 'test' */
  readonly applicationId?: string
  /** @defaultValue '0_0' */
  readonly taskId?: string
  /** @defaultValue 'processor' */
  readonly nodeName?: string
}

/**
 * A context for the test of one processor without a topology: it remembers what the processor does, and its clocks and
 * records are what the test says. Kafka Streams' `MockProcessorContext`.
 *
 * @example
 * ```ts
 * import { type Processor, type ProcessorContext, keyValueStore, string } from 'millrace'
 * import { MockProcessorContext } from 'millrace/testing'
 *
 * const latest = keyValueStore('latest', { key: string(), value: string() })
 * const reminder = (context: ProcessorContext<string, string>): Processor<string, string> => {
 *   const store = context.store(latest)
 *   context.schedule({ every: { minutes: 1 }, type: 'wallClock' }, timestamp => {
 *     for (const row of store.rows()) context.forward({ ...row, timestamp, headers: [] })
 *     context.commit()
 *   })
 *   return {
 *     process({ key, value }) {
 *       if (value === 'bad') context.drop(`not from offset ${context.recordMetadata?.offset}`)
 *       else store.put(key, value)
 *     },
 *   }
 * }
 * const context = new MockProcessorContext<string, string>({ stores: [latest] })
 * const processor = reminder(context)
 * context.recordMetadata = { topic: 'in', partition: 0, offset: 7 }
 * processor.process({ key: 'a', value: 'yes', timestamp: 5, headers: [] })
 * processor.process({ key: 'a', value: 'bad', timestamp: 6, headers: [] })
 * context.dropped // → ['not from offset 7']
 * context.forwarded // → []
 * const [punctuation] = context.punctuations
 * punctuation?.punctuator(60_000)
 * context.forwarded.map(({ record }) => `${record.value} at ${record.timestamp}`) // → ['yes at 60000']
 * context.isCommitRequested // → true
 * ```
 */
export class MockProcessorContext<KOut = unknown, VOut = unknown> implements ProcessorContext<
  KOut,
  VOut
> {
  readonly applicationId: string
  readonly taskId: string
  readonly nodeName: string
  /** What was forwarded so far. Empty it with `forwarded.length = 0`. */
  readonly forwarded: Forwarded<KOut, VOut>[] = []
  /** What was scheduled, in that order. Nothing is called by itself: call `punctuator`. */
  readonly punctuations: MockPunctuation[] = []
  /** Reasons for which records were dropped. */
  readonly dropped: string[] = []
  /** Whether a commit was asked for; set it back with `isCommitRequested = false`. */
  isCommitRequested = false
  /** Where the record came from that is processed. */
  recordMetadata: RecordMetadata | null = null
  currentStreamTimeMs = -1
  currentSystemTimeMs = 0
  readonly #state: TaskState
  readonly #metadata = new Map<string, ProcessorMetadata>()

  constructor(options: MockProcessorContextOptions = {}) {
    const { stores = [], applicationId = 'test', taskId = '0_0', nodeName = 'processor' } = options
    this.applicationId = applicationId
    this.taskId = taskId
    this.nodeName = nodeName
    const definitions = stores.map(({ definition }) => ({ ...definition, changelogTopic: null }))
    this.#state = newTaskState(taskId, definitions)
  }

  /** Remembers the record in `forwarded`. */
  forward(record: StreamRecord<KOut, VOut>, childName?: string): void {
    this.forwarded.push({ record, childName: childName ?? null })
  }

  /** A store that was handed to the context. Throws UNKNOWN_STORE for any other. */
  store<S>(store: string | StoreReference<S>): S {
    const name = typeof store === 'string' ? store : store.name
    const found = this.#state.store(name)
    if (found === undefined) {
      throw new MillraceError(
        'UNKNOWN_STORE',
        `The processor asked for the store ${name}. Hand it to the context: new MockProcessorContext({ stores: [ … ] }).`,
      )
    }
    // What the store is to its users is the type of its definition.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return found as S
  }

  /** Remembers the punctuator in `punctuations`. */
  schedule(options: ScheduleOptions, punctuator: Punctuator): Cancellable {
    const punctuation = { ...options, punctuator, isCancelled: false }
    this.punctuations.push(punctuation)
    return {
      cancel() {
        punctuation.isCancelled = true
      },
    }
  }

  /** Remembers it in `isCommitRequested`. */
  commit(): void {
    this.isCommitRequested = true
  }

  /**
   * A number that a task would keep across restarts; -1 at first. Set it to begin as after one.
   *
   * @example
   * ```ts
   * import { MockProcessorContext } from 'millrace/testing'
   *
   * const context = new MockProcessorContext()
   * context.metadata('seen').value // → -1
   * context.metadata('seen').value = 7
   * context.metadata('seen').value // → 7
   * ```
   */
  metadata(name: string): ProcessorMetadata {
    const number = this.#metadata.get(name) ?? { value: -1 }
    this.#metadata.set(name, number)
    return number
  }

  /** Remembers the reason in `dropped`. */
  drop(reason: string): void {
    this.dropped.push(reason)
  }
}

/**
 * A record that was forwarded, and to which child; null to all.
 */
export interface Forwarded<K, V> {
  readonly record: StreamRecord<K, V>
  readonly childName: string | null
}

/**
 * A punctuator as it was scheduled.
 */
export interface MockPunctuation extends ScheduleOptions {
  readonly punctuator: Punctuator
  readonly isCancelled: boolean
}
