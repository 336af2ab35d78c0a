import type { TimestampedKeyValueStore, ValueAndTimestamp } from '../../state/stores.ts'
import type { ProcessorContext } from '../processor.ts'
import type { StreamRecord } from '../record.ts'
import { tableForwarder } from './table-forwarder.ts'

/** The rows of a table, and the one way in which they change. */
export interface TableStore {
  get(key: unknown): ValueAndTimestamp<unknown> | undefined
  /**
   * Sets the row of the record's key, as of `timestamp`, and forwards the change. A versioned store may refuse it because it
   * is too old: then nothing is forwarded.
   */
  update(
    record: StreamRecord<unknown, unknown>,
    newValue: unknown,
    oldValue: unknown,
    timestamp: number,
  ): void
}

/**
 * The rows of a table, open. Deletions in the changelog have the time of the record that made them, whatever that of the
 * row; in a versioned store the time is a part of the row.
 */
export function tableStore(
  context: ProcessorContext,
  name: string,
  sendsOldValues: boolean,
): TableStore {
  const store = context.store<RowStore>(name)
  const forward = tableForwarder(context, name, sendsOldValues)
  const isVersioned = 'versions' in store
  return {
    get: key => store.get(key),
    update(record, newValue, oldValue, timestamp) {
      const { key, headers } = record
      if (!isVersioned) {
        store.put(key, newValue, newValue === null ? record.timestamp : timestamp)
        forward({ key, value: { newValue, oldValue }, timestamp, headers }, record)
        return
      }
      const validTo = store.put(key, newValue, timestamp)
      if (validTo === null) return
      const value =
        validTo === Infinity ? { newValue, oldValue } : { newValue, oldValue, isLatest: false }
      context.forward({ key, value, timestamp, headers })
    },
  }
}

type RowStore = Pick<TimestampedKeyValueStore<unknown, unknown>, 'get'> & {
  /** Of a versioned store the end of validity, null when the row is too old. */
  put(key: unknown, value: unknown, timestamp: number): number | null | void
}
