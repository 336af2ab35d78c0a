import { MillraceError } from '../../errors.ts'
import { type FixedKeyProcessorSupplier, FixedKeyRecord } from '../fixed-key-processor.ts'
import type { AsyncProcessorSupplier } from '../async-processor.ts'
import type { ResolvedAsyncOptions } from '../async-call.ts'
import type { ProcessorContext, ProcessorSupplier } from '../processor.ts'
import { asyncProcessor } from './async-processor.ts'

/**
 * A processor that a user wrote. One that works for two tasks would mix their states up: `ApiUtils#checkSupplier`.
 */
export function userProcessor(supplier: ProcessorSupplier): ProcessorSupplier {
  return neverTwice(supplier)
}

function neverTwice<Context extends Pick<ProcessorContext, 'nodeName'>, Made extends object>(
  supplier: (context: Context) => Made,
): (context: Context) => Made {
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

/** The same for one whose work takes time. */
export function userAsyncProcessor(
  supplier: AsyncProcessorSupplier,
  options: ResolvedAsyncOptions,
): ProcessorSupplier {
  return asyncProcessor(neverTwice(supplier), options)
}
