import type { ProcessorContext, ProcessorMetadata } from '../processor.ts'

/**
 * The largest timestamp that this node has seen, which decides what comes too late. It is kept across restarts, so that a window
 * that was closed stays closed; Kafka Streams begins anew.
 */
export function observedTime(context: ProcessorContext): ProcessorMetadata {
  return context.metadata(`${context.nodeName}-time`)
}
