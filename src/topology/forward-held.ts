import { isOperatorContext } from './operator-context.ts'
import type { ProcessorContext } from './processor.ts'
import type { RecordMetadata, StreamRecord } from './record.ts'

/**
 * Forwards a record that was held back. What `recordMetadata` tells meanwhile is where that record came from, not the one that
 * let it go, as Kafka Streams keeps a `ProcessorRecordContext` with it.
 */
export function forwardHeld(
  context: ProcessorContext,
  record: StreamRecord<unknown, unknown>,
  metadata: RecordMetadata | null,
): void {
  if (isOperatorContext(context)) context.forwardHeld(record, metadata)
  else context.forward(record)
}
