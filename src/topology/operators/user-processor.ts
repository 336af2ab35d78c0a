import { MillraceError } from '../../errors.ts'
import { type FixedKeyProcessorSupplier, FixedKeyRecord } from '../fixed-key-processor.ts'
import type { ProcessorSupplier } from '../processor.ts'

/**
 * A processor that a user wrote. One that works for two tasks would mix their states up: `ApiUtils#checkSupplier`.
 */
export function userProcessor(supplier: ProcessorSupplier): ProcessorSupplier {
  const made = new WeakSet<object>()
  return context => {
    const processor = supplier(context)
    if (made.has(processor)) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The supplier of ${context.nodeName} returned the same processor twice. Make one within the function: each task needs its own.`,
      )
    }
    made.add(processor)
    return processor
  }
}

/** The same for one that cannot change keys. */
export function userValuesProcessor(supplier: FixedKeyProcessorSupplier): ProcessorSupplier {
  return userProcessor(context => {
    const processor = supplier(context)
    return {
      process(record) {
        const { key, value, timestamp, headers } = record
        processor.process(new FixedKeyRecord(key, value, timestamp, headers))
      },
      close: () => processor.close?.(),
    }
  })
}
