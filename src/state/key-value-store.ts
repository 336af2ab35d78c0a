import type { KeyIndexRange } from './key-index.ts'
import type { RowTable } from './row-table.ts'
import type { KeyValueDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type {
  KeyRange,
  KeyValueRow,
  TimestampedKeyValueStore,
  ValueAndTimestamp,
} from './stores.ts'

/**
 * Kafka Streams' `TimestampedKeyValueStore`: the table's key is the key's bytes, in the changelog too. With `maxEntries` it is
 * its `MemoryLRUCache`: a get counts as use.
 */
export class KeyValueStore implements TimestampedKeyValueStore<unknown, unknown> {
  readonly name: string
  readonly table: RowTable
  readonly serdes: StoreSerdes
  readonly #maxEntries: number
  /** Keys as latin1 strings, the one that was not used for longest first; null where all rows are kept. */
  readonly #lastUse: Set<string> | null

  constructor(definition: KeyValueDefinition, table: RowTable) {
    this.name = definition.name
    this.table = table
    this.serdes = storeSerdes(definition)
    this.#maxEntries = definition.maxEntries ?? Infinity
    this.#lastUse = definition.maxEntries === undefined ? null : new Set()
    if (this.#lastUse === null) return
    table.listen({
      added: key => void this.#lastUse?.add(key),
      deleted: key => void this.#lastUse?.delete(key),
    })
  }

  get(key: unknown): ValueAndTimestamp<unknown> | undefined {
    const keyBytes = this.serdes.keyBytes(key)
    const row = this.table.get(keyBytes)
    if (row === undefined) return undefined
    if (this.#lastUse !== null) this.#use(keyBytes.toString('latin1'))
    return { value: this.serdes.value(rowValue(row)), timestamp: rowTimestamp(row) }
  }

  put(key: unknown, value: unknown, timestamp: number): void {
    const keyBytes = this.serdes.keyBytes(key)
    const row = value === null ? null : newRow(this.serdes.valueBytes(value), timestamp)
    this.table.put(keyBytes, row, timestamp)
    if (this.#lastUse === null || row === null) return
    this.#use(keyBytes.toString('latin1'))
    for (const eldest of this.#lastUse) {
      if (this.#lastUse.size <= this.#maxEntries) break
      this.table.evict(Buffer.from(eldest, 'latin1'), timestamp)
    }
  }

  get size(): number {
    return this.table.size
  }

  *rows(range: KeyRange<unknown> = {}): Iterable<KeyValueRow<unknown, unknown>> {
    for (const [key, row] of this.table.rows(this.bounds(range))) yield this.decode(key, row)
  }

  /** As keys of the table, of which the second is the first one after the range. */
  bounds({ from, to, prefix, reverse }: KeyRange<unknown>): KeyIndexRange {
    return prefix === undefined
      ? { from: this.#bound(from), to: after(this.#bound(to)), reverse }
      : { from: prefix.toString('latin1'), to: afterPrefix(prefix), reverse }
  }

  /** The same without waiting; only over an engine that can. */
  *allSync(): Iterable<KeyValueRow<unknown, unknown>> {
    for (const [key, row] of this.table.entriesSync()) yield this.decode(key, row)
  }

  changelogKey(tableKey: Buffer): Buffer {
    return tableKey
  }

  restoredKey(changelogKey: Buffer): Buffer {
    if (this.#lastUse !== null) this.#use(changelogKey.toString('latin1'))
    return changelogKey
  }

  #use(key: string): void {
    if (this.#lastUse?.delete(key) === true) this.#lastUse.add(key)
  }

  #bound(key: unknown): string | undefined {
    return key === undefined ? undefined : this.serdes.keyBytes(key).toString('latin1')
  }

  decode(key: Buffer, row: Buffer): KeyValueRow<unknown, unknown> {
    return {
      key: this.serdes.key(key),
      value: this.serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}

/** The first key after this one. */
const after = (key: string | undefined): string | undefined =>
  key === undefined ? undefined : `${key}\0`

/** The first key after all that begin with the prefix; undefined when there is none. */
function afterPrefix(prefix: Buffer): string | undefined {
  const end = prefix.findLastIndex(byte => byte < 0xff)
  if (end < 0) return undefined
  const bytes = Buffer.from(prefix.subarray(0, end + 1))
  bytes.writeUInt8(bytes.readUInt8(end) + 1, end)
  return bytes.toString('latin1')
}
