import { MillraceError } from '../errors.ts'
import type {
  Cancellable,
  Processor,
  ProcessorMetadata,
  Punctuator,
  ScheduleOptions,
  StoreReference,
} from '../topology/processor.ts'
import type { AsyncWork, ResolvedAsyncOptions } from '../topology/async-call.ts'
import type { RecordTime } from '../state/plain-stores.ts'
import type { RecordCache } from '../state/record-cache.ts'
import type { HandOn, HeldUpdate, OperatorContext } from '../topology/operator-context.ts'
import type { RecordMetadata, StreamRecord } from '../topology/record.ts'
import type { TopologyNode } from '../topology/topology.ts'

/** What the nodes of a task share with it while a record passes through them. */
export interface TaskScope {
  readonly applicationId: string
  readonly taskId: string
  /** The node that is at work; null between records. */
  current: TaskNode | null
  readonly streamTime: number
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number
  readonly recordMetadata: RecordMetadata | null
  /** Time of the record that is at the current node: stores without times of their own write with it. */
  readonly recordTime: RecordTime
  metadata(name: string): ProcessorMetadata
  /** Where the record was read from that goes through the nodes now, if it was held back; undefined if not. */
  heldMetadata: RecordMetadata | null | undefined
  schedule(node: TaskNode, options: ScheduleOptions, punctuator: Punctuator): Cancellable
  requestCommit(): void
  /** Throws UNKNOWN_STORE when there is no such store or the node is not connected to it. */
  store(nodeName: string, storeName: string): unknown
  isCached(store: string): boolean
  cacheOf(node: TaskNode, store: string, handOn: HandOn): RecordCache<HeldUpdate> | undefined
  asyncCalls<R>(
    node: TaskNode,
    work: AsyncWork<R>,
    options: ResolvedAsyncOptions,
  ): (record: StreamRecord<unknown, unknown>) => void
  drop(nodeName: string, reason: string): void
  /** Asks the processing handler about what a node threw; throws when the task must stop. */
  processingFailed(error: unknown, nodeName: string, record: StreamRecord<unknown, unknown>): void
  /** The same about what a punctuator threw. */
  punctuationFailed(error: unknown, nodeName: string, timestamp: number): void
}

/**
 * One node at work in one task: its processor and the context it was given. `forward` calls the children directly, so a
 * record goes depth first through the whole sub-topology within one call of `process`.
 */
export class TaskNode implements OperatorContext {
  readonly nodeName: string
  processor: Processor
  readonly #scope: TaskScope
  readonly #children: TaskNode[] = []
  readonly #isProcessor: boolean
  readonly #isUserDefined: boolean

  constructor(node: TopologyNode, scope: TaskScope, supplier: (node: TaskNode) => Processor) {
    this.nodeName = node.name
    this.#isProcessor = node.kind === 'processor'
    this.#isUserDefined = node.kind === 'processor' && node.isUserDefined === true
    this.#scope = scope
    this.processor = supplier(this)
  }

  addChild(child: TaskNode): void {
    this.#children.push(child)
  }

  get applicationId(): string {
    return this.#scope.applicationId
  }

  get taskId(): string {
    return this.#scope.taskId
  }

  get currentStreamTimeMs(): number {
    return this.#scope.streamTime
  }

  get currentSystemTimeMs(): number {
    return this.#scope.now()
  }

  get recordMetadata(): RecordMetadata | null {
    return this.#scope.recordMetadata
  }

  /**
   * Has the processor process a record. What it throws, and what a sink below it could not do, is the processing handler's
   * to decide; sources and sinks only pass it on, as in Kafka Streams.
   */
  process(record: StreamRecord<unknown, unknown>): void {
    const scope = this.#scope
    const caller = scope.current
    scope.current = this
    try {
      this.processor.process(record)
    } catch (error) {
      if (!this.#isProcessor) throw error
      scope.processingFailed(error, this.nodeName, record)
    } finally {
      scope.current = caller
    }
  }

  /** Calls a punctuator of this node; what it throws is the processing handler's to decide, too. */
  punctuate(punctuator: Punctuator, timestamp: number): void {
    const scope = this.#scope
    scope.current = this
    try {
      punctuator(timestamp)
    } catch (error) {
      scope.punctuationFailed(error, this.nodeName, timestamp)
    } finally {
      scope.current = null
    }
  }

  forward(record: StreamRecord<unknown, unknown>, childName?: string): void {
    if (this.#scope.current !== this) {
      throw new MillraceError(
        'PROCESSING_ERROR',
        `Processor ${this.nodeName} called forward outside of process(). Forward while the record is being processed, or in a punctuator.`,
      )
    }
    if (this.#isUserDefined) requireTimestamp(record, this.nodeName)
    const { recordTime } = this.#scope
    const { timestamp } = recordTime
    if (record.timestamp === timestamp) {
      this.#forward(record, childName)
      return
    }
    recordTime.timestamp = record.timestamp
    try {
      this.#forward(record, childName)
    } finally {
      recordTime.timestamp = timestamp
    }
  }

  #forward(record: StreamRecord<unknown, unknown>, childName: string | undefined): void {
    const children = this.#children
    const onlyChild = children[0]
    if (childName !== undefined) this.#child(childName).process(record)
    else if (onlyChild !== undefined && children.length === 1) onlyChild.process(record)
    else for (const child of children) child.process(record)
  }

  forwardHeld(record: StreamRecord<unknown, unknown>, metadata: RecordMetadata | null): void {
    const scope = this.#scope
    const before = scope.heldMetadata
    scope.heldMetadata = metadata
    try {
      this.forward(record)
    } finally {
      scope.heldMetadata = before
    }
  }

  #child(name: string): TaskNode {
    for (const child of this.#children) if (child.nodeName === name) return child
    throw new MillraceError(
      'PROCESSING_ERROR',
      `Processor ${this.nodeName} has no child ${name} to forward to. Forward to a node that was added below it.`,
    )
  }

  store<S>(store: string | StoreReference<S>): S {
    const name = typeof store === 'string' ? store : store.name
    // The caller names the interface that the kind of the store's definition promises; nothing here knows its types.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.#scope.store(this.nodeName, name) as S
  }

  isCached(store: string): boolean {
    return this.#scope.isCached(store)
  }

  cacheOf(store: string, handOn: HandOn): RecordCache<HeldUpdate> | undefined {
    return this.#scope.cacheOf(this, store, handOn)
  }

  get isAtWork(): boolean {
    return this.#scope.current === this
  }

  asyncCalls<R>(
    work: AsyncWork<R>,
    options: ResolvedAsyncOptions,
  ): (record: StreamRecord<unknown, unknown>) => void {
    return this.#scope.asyncCalls(this, work, options)
  }

  schedule(options: ScheduleOptions, punctuator: Punctuator): Cancellable {
    return this.#scope.schedule(this, options, punctuator)
  }

  commit(): void {
    this.#scope.requestCommit()
  }

  metadata(name: string): ProcessorMetadata {
    return this.#scope.metadata(name)
  }

  drop(reason: string): void {
    this.#scope.drop(this.nodeName, reason)
  }
}

/** Records that users make may have any number there, and would carry it into every time that is computed from it. */
function requireTimestamp({ timestamp }: StreamRecord<unknown, unknown>, nodeName: string): void {
  if (Number.isSafeInteger(timestamp) && timestamp >= 0) return
  throw new MillraceError(
    'INVALID_TIMESTAMP',
    `Processor ${nodeName} forwarded a record with the timestamp ${timestamp}. Give it milliseconds since the Unix epoch, a whole number of at least 0.`,
  )
}
