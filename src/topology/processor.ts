import type { RecordMetadata, StreamRecord } from './record.ts'

/**
 * One operator at work in one task. `process` is synchronous: it calls `context.forward`, which calls the children
 * directly, depth first, in the order in which they were added. Kafka Streams' `processor.api.Processor`.
 */
export interface Processor<KIn = unknown, VIn = unknown> {
  process(record: StreamRecord<KIn, VIn>): void
  close?(): void
}

/** Makes the operator's processor for a task: called once per task, when its stores are open and restored. */
export type ProcessorSupplier = (context: ProcessorContext) => Processor

/** What a processor can see and do. Kafka Streams' `processor.api.ProcessorContext`. */
export interface ProcessorContext {
  readonly applicationId: string
  /** `<sub-topology>_<partition>`, such as `0_3`. */
  readonly taskId: string
  /** Name of the node this processor runs in. */
  readonly nodeName: string
  /**
   * Hands the record to the children, or only to the one called `childName`. Only inside `process` (and, later,
   * punctuation).
   */
  forward(record: StreamRecord<unknown, unknown>, childName?: string): void
  /** A store connected to this node, or a global store; its type is the definition's. */
  store<S>(name: string): S
  /** Where the record being processed came from: the input of the whole sub-topology. */
  readonly recordMetadata: RecordMetadata | null
  /** Largest timestamp of all records that the task has taken from its inputs; -1 before the first. */
  readonly streamTime: number
  /** Counts a record that was not processed (`dropped-records-total`) and logs why. */
  drop(reason: string): void
}
