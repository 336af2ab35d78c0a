import type { ProcessorContext } from './processor.ts'
import type { RecordMetadata, StreamRecord } from './record.ts'

/** What operators can do beyond what processors of applications can. */
export interface OperatorContext extends ProcessorContext {
  /** Forwards a record while `recordMetadata` tells where that one came from. */
  forwardHeld(record: StreamRecord<unknown, unknown>, metadata: RecordMetadata | null): void
}

/**
 * Forwards a record that was held back. What `recordMetadata` tells meanwhile is where that record came from, not the one that
 * let it go, as Kafka Streams keeps a `ProcessorRecordContext` with it.
 */
export function forwardHeld(
  context: ProcessorContext,
  record: StreamRecord<unknown, unknown>,
  metadata: RecordMetadata | null,
): void {
  // A context that a processor wrapper made is only what applications know.
  if (isOperators(context)) context.forwardHeld(record, metadata)
  else context.forward(record)
}

function isOperators(context: ProcessorContext): context is OperatorContext {
  return 'forwardHeld' in context
}
