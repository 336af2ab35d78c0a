import type { ProcessorSupplier } from '../processor.ts'

/**
 * Stands before a repartition topic: a record without a key has no right partition there and would be of no use behind
 * it. They vanish silently, which is Kafka Streams' way; they are not counted as dropped.
 */
export const dropNullKeys: ProcessorSupplier = context => ({
  process(record) {
    if (record.key !== null) context.forward(record)
  },
})
