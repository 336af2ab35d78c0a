import type {
  KeyRange,
  KeyValue,
  KeyValueStore,
  PlainWindowRow,
  TimeRange,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  WindowRange,
  WindowStore,
} from './stores.ts'

/** Time of the record that a task is at work on: that of what it puts into stores that have no times of their own. */
export interface RecordTime {
  timestamp: number
}

/** A store whose rows are values alone. Kafka Streams' `KeyValueStore`. */
export function plainKeyValueStore(
  rows: TimestampedKeyValueStore<unknown, unknown>,
  now: RecordTime,
): KeyValueStore<unknown, unknown> {
  const get = (key: unknown): unknown => rows.get(key)?.value
  const put = (key: unknown, value: unknown): void => rows.put(key, value, now.timestamp)
  return {
    name: rows.name,
    get,
    put,
    putIfAbsent(key, value) {
      const before = get(key)
      if (before === undefined) put(key, value)
      return before
    },
    delete(key) {
      const before = get(key)
      put(key, null)
      return before
    },
    *rows(range?: KeyRange<unknown>): Iterable<KeyValue<unknown, unknown>> {
      for (const { key, value } of rows.rows(range)) yield { key, value }
    },
    get size() {
      return rows.size
    },
  }
}

/** A window store whose rows are values alone. Kafka Streams' `WindowStore`. */
export function plainWindowStore(
  rows: TimestampedWindowStore<unknown, unknown>,
  now: RecordTime,
): WindowStore<unknown, unknown> {
  return {
    name: rows.name,
    fetch: (key, windowStart) => rows.fetch(key, windowStart)?.value,
    put: (key, value, windowStart) => rows.put(key, value, windowStart, now.timestamp),
    *fetchRange(key: unknown, range: TimeRange): Iterable<PlainWindowRow<unknown, unknown>> {
      for (const { windowStart, value } of rows.fetchRange(key, range)) {
        yield { key, windowStart, value }
      }
    },
    *rows(range?: WindowRange<unknown>): Iterable<PlainWindowRow<unknown, unknown>> {
      for (const { key, windowStart, value } of rows.rows(range)) yield { key, windowStart, value }
    },
  }
}
