import type { TimestampedWindowStore } from '../../state/stores.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { StreamRecord } from '../record.ts'
import type { StreamStreamJoin } from './stream-stream-join.ts'

/**
 * A stream joined with itself by one store: what the two sides of an inner join would give, in their order. The record is the
 * left one of the first results and the right one of the others, among which it meets itself, unless it is too late to be
 * kept. `KStreamKStreamSelfJoin`.
 */
export function selfJoin(
  { joiner, windows }: Pick<StreamStreamJoin, 'joiner' | 'windows'>,
  storeName: string,
): ProcessorSupplier {
  const { beforeMs, afterMs, graceMs } = windows
  const retentionMs = beforeMs + afterMs + graceMs
  return context => {
    const store = context.store<TimestampedWindowStore<unknown, unknown>>(storeName)
    return {
      process(record: StreamRecord<unknown, unknown>) {
        const { key, value, timestamp, headers } = record
        if (key === null || value === null) {
          context.drop(key === null ? 'the key is null' : 'the value is null')
          return
        }
        const forward = (result: unknown, time: number): void =>
          context.forward({ key, value: result, timestamp: time, headers })
        const partners = (before: number, after: number): ReturnType<typeof store.fetchRange> => {
          const from = Math.max(0, timestamp - before)
          return store.fetchRange(key, { from, to: Math.max(0, timestamp + after) })
        }
        const streamTime = Math.max(timestamp, store.observedTime)
        const withItself = joiner(value, value, key)
        let meetsItself = timestamp > streamTime - retentionMs + 1
        for (const { value: other, windowStart } of partners(beforeMs, afterMs)) {
          forward(joiner(value, other, key), Math.max(timestamp, windowStart))
        }
        for (const { value: other, windowStart } of partners(afterMs, beforeMs)) {
          if (meetsItself && windowStart > timestamp) {
            meetsItself = false
            forward(withItself, timestamp)
          }
          forward(joiner(other, value, key), Math.max(timestamp, windowStart))
        }
        if (meetsItself) forward(withItself, timestamp)
      },
    }
  }
}
