import { int64Bytes, readInt64, writeInt64 } from '../protocol/int64.ts'
import { KeyIndex } from './key-index.ts'
import type { RowTable } from './row-table.ts'
import { segmentBytes, Segments } from './segments.ts'
import type { WindowDefinition } from './store-definition.ts'
import type { Entry } from './store-engine.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type {
  TimeRange,
  TimeSpan,
  TimestampedWindowStore,
  ValueAndTimestamp,
  WindowRange,
  WindowRow,
} from './stores.ts'

/**
 * Kafka Streams' `TimestampedWindowStore`. In the changelog a row's key is the key's bytes, the window's start (int64) and a
 * sequence number (int32, 0 where only one row is kept), as Kafka's `WindowKeySchema` has it. In the table the number of the
 * window's segment comes first.
 */
export class WindowStore implements TimestampedWindowStore<unknown, unknown> {
  readonly name: string
  readonly table: RowTable
  readonly segments: Segments
  readonly serdes: StoreSerdes
  readonly #retainDuplicates: boolean
  readonly #inMemory: boolean
  /** Starts, keys and sequence numbers, in that order. */
  readonly #times: KeyIndex | null
  /** Of the last row that was put, where all are kept. */
  #sequence = 0

  constructor(definition: WindowDefinition, table: RowTable, observedTime?: number) {
    const { name, retainDuplicates = false, inMemory = false, timeIndex = false } = definition
    this.name = name
    this.table = table
    this.segments = new Segments(table, definition, observedTime)
    this.serdes = storeSerdes(definition)
    this.#retainDuplicates = retainDuplicates
    this.#inMemory = inMemory
    this.#times = timeIndex ? new KeyIndex() : null
    if (!retainDuplicates && this.#times === null) return
    table.listen({
      added: key => {
        this.#sequence = Math.max(this.#sequence, sequenceOf(key))
        this.#times?.add(timeKey(key))
      },
      deleted: key => void this.#times?.delete(timeKey(key)),
    })
  }

  get observedTime(): number {
    return this.segments.observedTime
  }

  fetch(key: unknown, windowStart: number): ValueAndTimestamp<unknown> | undefined {
    if (windowStart >= this.#oldest) return this.fetchStored(key, windowStart)
    // A null key is refused whatever the time.
    this.serdes.keyBytes(key)
    return undefined
  }

  /** The same, also of a row that has expired, as long as it is stored. */
  fetchStored(key: unknown, windowStart: number): ValueAndTimestamp<unknown> | undefined {
    const row = this.table.get(this.#tableKey(this.serdes.keyBytes(key), windowStart, 0))
    if (row === undefined) return undefined
    return { value: this.serdes.value(rowValue(row)), timestamp: rowTimestamp(row) }
  }

  put(key: unknown, value: unknown, windowStart: number, timestamp: number): boolean {
    // A null deletes nothing where all rows are kept: `RocksDBWindowStore#put`. The changelog gets a record of it all the same.
    const isNoOp = this.#retainDuplicates && value === null
    const accepted = isNoOp && !this.#inMemory ? true : this.segments.accepts(windowStart)
    if (!accepted && !isNoOp) return false
    const row = value === null ? null : newRow(this.serdes.valueBytes(value), timestamp)
    const sequence = this.#retainDuplicates ? (this.#sequence + 1) % sequences : 0
    this.#sequence = sequence
    const tableKey = this.#tableKey(this.serdes.keyBytes(key), windowStart, sequence)
    this.table.put(tableKey, row, timestamp)
    return accepted
  }

  /** With `withExpired`, also what has expired, as long as it is stored. */
  *fetchRange(
    key: unknown,
    range: TimeRange & { withExpired?: boolean },
  ): Iterable<WindowRow<unknown, unknown>> {
    const keyBytes = this.serdes.keyBytes(key)
    const length = segmentBytes + keyBytes.length + windowBytes
    const { from, to, reverse = false } = this.#visible(range)
    for (const segment of this.#segmentsOf(from, to, reverse)) {
      const bounds = {
        from: this.rowKey(segment, keyBytes, from, 0).toString('latin1'),
        to: this.rowKey(segment, keyBytes, to + 1, 0).toString('latin1'),
        reverse,
      }
      for (const [tableKey, row] of this.table.rows(bounds)) {
        // Rows of longer keys may lie between.
        if (tableKey.length !== length) continue
        yield {
          key,
          windowStart: startOf(tableKey),
          value: this.serdes.value(rowValue(row)),
          timestamp: rowTimestamp(row),
        }
      }
    }
  }

  *rows(range: WindowRange<unknown> = {}): Iterable<WindowRow<unknown, unknown>> {
    const { from, to, reverse = false } = this.#visible(range)
    const first = range.fromKey === undefined ? null : this.serdes.keyBytes(range.fromKey)
    const last = range.toKey === undefined ? null : this.serdes.keyBytes(range.toKey)
    const isWanted = ([key]: Entry): boolean => {
      const start = startOf(key)
      if (start < from || start > to) return false
      const keyBytes = keyOf(key)
      if (first !== null && Buffer.compare(keyBytes, first) < 0) return false
      return last === null || Buffer.compare(keyBytes, last) <= 0
    }
    const entries = this.#entriesBetween(from, to, reverse, isWanted)
    // `InMemoryWindowStore` knows no segments: it is sorted by start, then key.
    if (!this.#inMemory) for (const [key, row] of entries) yield this.decode(key, row)
    else {
      const sign = reverse ? -1 : 1
      const sorted = [...entries].sort(([a], [b]) => sign * compareTimes(a, b))
      for (const [key, row] of sorted) yield this.decode(key, row)
    }
  }

  /**
   * Rows of all keys whose windows start in a span of time, by start, then key bytes; those that have expired too, as long as
   * they are stored, if they are asked for. Needs the time index.
   */
  *rowsByTime(
    { from, to }: TimeSpan,
    { withExpired = false }: { withExpired?: boolean } = {},
  ): Iterable<WindowRow<unknown, unknown>> {
    const bounds = {
      from: int64Bytes(withExpired ? from : Math.max(from, this.#oldest)).toString('latin1'),
      to: int64Bytes(to + 1).toString('latin1'),
    }
    for (const timeKey of this.#times?.range(bounds) ?? []) {
      const entry = this.table.rowAt(this.#tableKeyOf(timeKey))
      if (entry !== undefined) yield this.decode(...entry)
    }
  }

  /** The same without waiting; only over an engine that can. */
  *allSync(): Iterable<WindowRow<unknown, unknown>> {
    const oldest = this.#oldest
    for (const [key, row] of this.table.entriesSync()) {
      if (startOf(key) >= oldest) yield this.decode(key, row)
    }
  }

  /** The key of a row as it stands in the changelog topic, of the key in the table; a view. */
  changelogKey(tableKey: Buffer): Buffer {
    return tableKey.subarray(segmentBytes)
  }

  /**
   * The key in the table of a changelog record, whose window counts as put. Rows that have expired are restored too: their
   * tombstones are still to be written.
   */
  restoredKey(changelogKey: Buffer, isDeletion: boolean): Buffer {
    const start = startOf(changelogKey)
    // As `put` takes it.
    if (!isDeletion || !this.#retainDuplicates || this.#inMemory) this.segments.observe(start)
    const key = Buffer.allocUnsafe(segmentBytes + changelogKey.length)
    writeInt64(key, this.segments.of(start), 0)
    changelogKey.copy(key, segmentBytes)
    return key
  }

  get #oldest(): number {
    return this.oldestAt(this.segments.observedTime)
  }

  /** The smallest start that is visible then: Kafka Streams' stores that are ordered by time show one millisecond more. */
  oldestAt(observedTime: number): number {
    const isTimeOrdered = this.#times !== null && !this.#inMemory
    return this.segments.oldestAt(observedTime) - (isTimeOrdered ? 1 : 0)
  }

  #visible({
    from = 0,
    to = Infinity,
    reverse,
    withExpired = false,
  }: TimeRange & { withExpired?: boolean }): Required<Bounds> & Reverse {
    return {
      from: Math.max(from, withExpired ? 0 : this.#oldest, 0),
      to: Math.min(to, this.segments.observedTime),
      reverse,
    }
  }

  *#segmentsOf(from: number, to: number, reverse: boolean): Iterable<number> {
    if (from > to) return
    const first = this.segments.of(from)
    const last = this.segments.of(to)
    if (reverse) for (let segment = last; segment >= first; segment--) yield segment
    else for (let segment = first; segment <= last; segment++) yield segment
  }

  *#entriesBetween(
    from: number,
    to: number,
    reverse: boolean,
    isWanted: (entry: Entry) => boolean,
  ): Iterable<Entry> {
    if (from > to) return
    const bounds = {
      from: int64Bytes(this.segments.of(from)).toString('latin1'),
      to: int64Bytes(this.segments.of(to) + 1).toString('latin1'),
      reverse,
    }
    for (const entry of this.table.rows(bounds)) if (isWanted(entry)) yield entry
  }

  #tableKey(key: Buffer, windowStart: number, sequence: number): Buffer {
    return this.rowKey(this.segments.of(windowStart), key, windowStart, sequence)
  }

  rowKey(segment: number, key: Buffer, windowStart: number, sequence: number): Buffer {
    const tableKey = Buffer.allocUnsafe(segmentBytes + key.length + windowBytes)
    writeInt64(tableKey, segment, 0)
    key.copy(tableKey, segmentBytes)
    writeInt64(tableKey, windowStart, segmentBytes + key.length)
    tableKey.writeInt32BE(sequence, segmentBytes + key.length + 8)
    return tableKey
  }

  #tableKeyOf(timeKey: string): string {
    const start = timeKey.slice(0, 8)
    const key = timeKey.slice(8, -4)
    const segment = int64Bytes(this.segments.of(readInt64(Buffer.from(start, 'latin1'), 0)))
    return segment.toString('latin1') + key + start + timeKey.slice(-4)
  }

  decode(key: Buffer, row: Buffer): WindowRow<unknown, unknown> {
    return {
      key: this.serdes.key(keyOf(key)),
      windowStart: startOf(key),
      value: this.serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}

interface Bounds {
  readonly from?: number
  readonly to?: number
}

interface Reverse {
  readonly reverse: boolean | undefined
}

/** Start and sequence number. */
export const windowBytes = 12

/** They are int32 and not negative, and begin anew after the last one. */
const sequences = 2 ** 31

export const startOf = (key: Buffer): number => readInt64(key, key.length - windowBytes)

/** By start, then key and sequence number. */
const compareTimes = (a: Buffer, b: Buffer): number =>
  startOf(a) - startOf(b) ||
  Buffer.compare(keyOf(a), keyOf(b)) ||
  Buffer.compare(a.subarray(-4), b.subarray(-4))

export const keyOf = (key: Buffer): Buffer => key.subarray(segmentBytes, key.length - windowBytes)

const sequenceOf = (key: string): number => Buffer.from(key.slice(-4), 'latin1').readInt32BE(0)

/** Of a table's key: start, key, sequence number. */
const timeKey = (key: string): string =>
  key.slice(-windowBytes, -4) + key.slice(segmentBytes, -windowBytes) + key.slice(-4)
