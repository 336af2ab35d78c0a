import type { KeyIndexRange } from './key-index.ts'
import type { Entry, KeyRange } from './store-engine.ts'

/**
 * Whether a query sees what the running tasks have written since their last commit. Kafka Streams'
 * `default.interactive.query.isolation.level`, KIP-892.
 */
export type Isolation = 'readUncommitted' | 'readCommitted'

/** One table of a store, to be read: bounds and keys are the store's. */
export interface RowReader {
  get(key: Buffer): Buffer | undefined
  /** Only of an ordered table: see `RowTable.keys`. */
  keys(range: KeyIndexRange): Iterable<string>
  /** The row of a key that `keys` gave; undefined when it is gone. */
  rowAt(text: string): Entry | undefined
  /** Rows in the order of the keys' bytes, as of the beginning of the iteration. */
  entries(range?: KeyRange): AsyncIterable<Entry>
}

/** The same, with what is thrown turned into something else. */
export function guardedReader(rows: RowReader, explain: (error: unknown) => unknown): RowReader {
  const guarded = <T>(read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw explain(error)
    }
  }
  return {
    get: key => guarded(() => rows.get(key)),
    keys: range => guarded(() => [...rows.keys(range)]),
    rowAt: text => guarded(() => rows.rowAt(text)),
    async *entries(range) {
      try {
        yield* rows.entries(range)
      } catch (error) {
        throw explain(error)
      }
    },
  }
}
