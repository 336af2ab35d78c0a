import type { TimestampedWindowStore } from '../../state/stores.ts'
import type { ProcessorSupplier } from '../processor.ts'

/**
 * One side of a stream-stream join: has the record joined with the other side, and then keeps it for records that come later;
 * so a record never meets itself. `KStreamJoinWindow`.
 */
export function joinWindow(storeName: string): ProcessorSupplier {
  return context => {
    const store = context.store<TimestampedWindowStore<unknown, unknown>>(storeName)
    return {
      process(record) {
        context.forward(record)
        const { key, value, timestamp } = record
        if (key !== null) store.put(key, value, timestamp, timestamp)
      },
    }
  }
}
