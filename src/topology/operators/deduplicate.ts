import type { TimestampedWindowStore } from '../../state/stores.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { UserFunction } from '../user-function.ts'
import { observedTime } from './observed-time.ts'

export interface Deduplication {
  /** What records must have in common, beside their keys, to be duplicates. Null when the keys are all. */
  readonly idSelector: UserFunction<[key: unknown, value: unknown], unknown> | null
  readonly withinMs: number
}

/** What identifies a record: its key, and the id that was computed from it. */
export interface DeduplicationKey {
  readonly key: unknown
  readonly id: unknown
}

/**
 * Forwards the first record of each identity and drops those that come within the interval of it, before or after it in
 * event time. The store has the records that were let through, by identity and time, with where they came from: a record that
 * is processed again after a crash is no duplicate of itself. A record that is late by more than the interval is forwarded
 * and not remembered. Records without a key or an id are forwarded. KIP-655's `KStreamDeduplicateProcessor`.
 */
export function deduplicate(
  { idSelector, withinMs }: Deduplication,
  storeName: string,
): ProcessorSupplier {
  return context => {
    const seen = context.store<TimestampedWindowStore<DeduplicationKey, string>>(storeName)
    const streamTime = observedTime(context)
    return {
      process(record) {
        const { key, value, timestamp } = record
        if (timestamp > streamTime.value) streamTime.value = timestamp
        const id = idSelector === null ? null : (idSelector(key, value) ?? null)
        if (key === null || (id === null && idSelector !== null)) {
          context.forward(record)
          return
        }
        const identity = { key, id }
        const metadata = context.recordMetadata
        const origin = metadata === null ? '' : `${metadata.topic} ${metadata.offset}`
        const oldest = streamTime.value - withinMs
        // There is one at most: a second one is let through only when the first has become too old.
        for (const { value: first } of seen.fetchRange(identity, {
          from: oldest,
          to: timestamp + withinMs,
        })) {
          if (first === origin && origin !== '') context.forward(record)
          else context.drop('it is a duplicate')
          return
        }
        context.forward(record)
        if (timestamp >= oldest) seen.put(identity, origin, timestamp, timestamp)
      },
    }
  }
}
