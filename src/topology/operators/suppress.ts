import { MillraceError } from '../../errors.ts'
import type { ChangeBuffer } from '../../state/change-buffer.ts'
import { forwardHeld } from '../forward-held.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'
import type { UserFunction } from '../user-function.ts'
import { observedTime } from './observed-time.ts'

/** How long changes are held back, and how many. */
export interface Suppression {
  /** How far time must have passed that of a change before it goes out, in milliseconds. */
  readonly waitMs: number
  /** The time of a change: counted for the first one of its key that waits. */
  readonly timeOf: UserFunction<[key: unknown, timestamp: number], number>
  /** Whether deletions are not forwarded. */
  readonly dropsTombstones: boolean
  readonly maxRecords: number
  readonly maxBytes: number
  readonly whenFull: 'emitEarly' | 'shutDown'
}

/**
 * Holds changes back, the last one of each key, until time has passed theirs by `waitMs`, or until there are too many: then
 * the oldest go early, or processing fails. They go by time, then by key, with the headers that they came with. Time is the
 * largest timestamp that came here. `KTableSuppressProcessorSupplier`.
 */
export function suppress(
  { waitMs, timeOf, dropsTombstones, maxRecords, maxBytes, whenFull }: Suppression,
  storeName: string,
): ProcessorSupplier {
  return context => {
    const buffer = context.store<ChangeBuffer>(storeName)
    const observed = observedTime(context)
    const isFull = (): boolean =>
      buffer.size > maxRecords || (maxBytes < Infinity && buffer.sizeBytes > maxBytes)
    const emitFirst = (): void => {
      const { key, newValue, oldValue, timestamp, headers, metadata } = buffer.first()
      if (newValue !== null || !dropsTombstones) {
        const value: Change<unknown> = { newValue, oldValue }
        forwardHeld(context, { key, value, timestamp, headers }, metadata)
      }
      // Whoever is asked for the row while it goes out still tells the one before.
      buffer.removeFirst()
    }
    return {
      process({ key, value, timestamp, headers }: StreamRecord<unknown, Change<unknown>>) {
        observed.value = Math.max(observed.value, timestamp)
        const { newValue, oldValue } = value
        const metadata = context.recordMetadata
        const change = { key, newValue, oldValue, timestamp, headers, metadata }
        buffer.put(timeOf(key, timestamp), change)
        while (buffer.minTime <= observed.value - waitMs) emitFirst()
        if (!isFull()) return
        if (whenFull === 'shutDown') {
          throw new MillraceError(
            'PROCESSING_ERROR',
            `${context.nodeName} holds back ${buffer.size} records of ${buffer.sizeBytes} bytes, more than ${maxRecords} records or ` +
              `${maxBytes} bytes. Raise maxRecords or maxBytes of its suppress.`,
          )
        }
        while (isFull()) emitFirst()
      },
    }
  }
}
