import { MillraceError } from '../errors.ts'
import type { Processor, ProcessorContext } from '../topology/processor.ts'
import type { RecordMetadata, StreamRecord } from '../topology/record.ts'
import type { TopologyNode } from '../topology/topology.ts'

/** What the nodes of a task share with it while a record passes through them. */
export interface TaskScope {
  readonly applicationId: string
  readonly taskId: string
  /** The node that is at work; null between records. */
  current: TaskNode | null
  readonly streamTime: number
  readonly recordMetadata: RecordMetadata | null
  /** Throws UNKNOWN_STORE when there is no such store or the node is not connected to it. */
  store(nodeName: string, storeName: string): unknown
  drop(nodeName: string, reason: string): void
  /** Asks the processing handler about what a node threw; throws when the task must stop. */
  processingFailed(error: unknown, nodeName: string, record: StreamRecord<unknown, unknown>): void
}

/**
 * One node at work in one task: its processor and the context it was given. `forward` calls the children directly, so a
 * record goes depth first through the whole sub-topology within one call of `process`.
 */
export class TaskNode implements ProcessorContext {
  readonly nodeName: string
  processor: Processor
  readonly #scope: TaskScope
  readonly #children: TaskNode[] = []
  readonly #isProcessor: boolean

  constructor(
    { name, kind }: Pick<TopologyNode, 'name' | 'kind'>,
    scope: TaskScope,
    supplier: (node: TaskNode) => Processor,
  ) {
    this.nodeName = name
    this.#isProcessor = kind === 'processor'
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

  get streamTime(): number {
    return this.#scope.streamTime
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

  forward(record: StreamRecord<unknown, unknown>, childName?: string): void {
    if (this.#scope.current !== this) {
      throw new MillraceError(
        'PROCESSING_ERROR',
        `Processor ${this.nodeName} called forward outside of process(). Forward while the record is being processed.`,
      )
    }
    const children = this.#children
    const onlyChild = children[0]
    if (childName !== undefined) this.#child(childName).process(record)
    else if (onlyChild !== undefined && children.length === 1) onlyChild.process(record)
    else for (const child of children) child.process(record)
  }

  #child(name: string): TaskNode {
    for (const child of this.#children) if (child.nodeName === name) return child
    throw new MillraceError(
      'PROCESSING_ERROR',
      `Processor ${this.nodeName} has no child ${name} to forward to. Forward to a node that was added below it.`,
    )
  }

  store<S>(name: string): S {
    // The caller names the interface that the kind of the store's definition promises; nothing here knows its types.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.#scope.store(this.nodeName, name) as S
  }

  drop(reason: string): void {
    this.#scope.drop(this.nodeName, reason)
  }
}
