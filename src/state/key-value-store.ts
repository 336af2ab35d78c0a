import type { RowTable } from './row-table.ts'
import type { StoreDefinition } from './store-definition.ts'
import type { Entry } from './store-engine.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type { KeyValueRow, TimestampedKeyValueStore, ValueAndTimestamp } from './stores.ts'

/** Kafka Streams' `TimestampedKeyValueStore`: the table's key is the key's bytes, in the changelog too. */
export class KeyValueStore implements TimestampedKeyValueStore<unknown, unknown> {
  readonly name: string
  readonly table: RowTable
  readonly #serdes: StoreSerdes

  constructor(definition: StoreDefinition, table: RowTable) {
    this.name = definition.name
    this.table = table
    this.#serdes = storeSerdes(definition)
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const row = this.table.get(this.#serdes.keyBytes(key))
    if (row === undefined) return undefined
    return { value: this.#serdes.value(rowValue(row)), timestamp: rowTimestamp(row) }
  }

  put(key: unknown, value: unknown, timestamp: number): void {
    const row = value === null ? null : newRow(this.#serdes.valueBytes(value), timestamp)
    this.table.put(this.#serdes.keyBytes(key), row, timestamp)
  }

  all(): AsyncIterable<KeyValueRow<unknown, unknown>> {
    return this.#decoded(this.table.entries())
  }

  /** The same without waiting; only over an engine that can. */
  *allSync(): Iterable<KeyValueRow<unknown, unknown>> {
    for (const [key, row] of this.table.entriesSync()) yield this.#decode(key, row)
  }

  changelogKey(tableKey: Buffer): Buffer {
    return tableKey
  }

  restoredKey(changelogKey: Buffer): Buffer {
    return changelogKey
  }

  async *#decoded(entries: AsyncIterable<Entry>): AsyncIterable<KeyValueRow<unknown, unknown>> {
    for await (const [key, row] of entries) yield this.#decode(key, row)
  }

  #decode(key: Buffer, row: Buffer): KeyValueRow<unknown, unknown> {
    return {
      key: this.#serdes.key(key),
      value: this.#serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}
