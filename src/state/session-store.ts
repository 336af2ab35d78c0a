import { int64Bytes, readInt64, writeInt64 } from '../protocol/int64.ts'
import { KeyIndex } from './key-index.ts'
import type { RowTable } from './row-table.ts'
import { segmentBytes, Segments } from './segments.ts'
import type { SessionDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'
import type { SessionRange, SessionRow, SessionStore, TimeSpan } from './stores.ts'

/**
 * Kafka Streams' `SessionStore`. In the changelog a row's key is the key's bytes, the session's end and its start (int64
 * both), as Kafka's `SessionKeySchema` has it. In the table the number of the segment of its end comes first.
 */
export class SessionRows implements SessionStore<unknown, unknown> {
  readonly name: string
  readonly table: RowTable
  readonly segments: Segments
  readonly serdes: StoreSerdes
  /** Ends, starts and keys, in that order. */
  readonly #times: KeyIndex | null
  readonly #inMemory: boolean

  constructor(definition: SessionDefinition, table: RowTable, observedTime?: number) {
    this.name = definition.name
    this.table = table
    this.segments = new Segments(table, definition, observedTime)
    this.serdes = storeSerdes(definition)
    this.#inMemory = definition.inMemory === true
    this.#times = definition.timeIndex === true ? new KeyIndex() : null
    if (this.#times === null) return
    table.listen({
      added: key => void this.#times?.add(timeKey(key)),
      deleted: key => void this.#times?.delete(timeKey(key)),
    })
  }

  fetchSession(key: unknown, start: number, end: number): unknown {
    if (end < this.segments.oldest) return undefined
    const keyBytes = this.serdes.keyBytes(key)
    const row = this.table.get(this.rowKey(this.segments.of(end), keyBytes, end, start))
    return row === undefined ? undefined : this.serdes.value(rowValue(row))
  }

  put(key: unknown, value: unknown, start: number, end: number, timestamp: number): boolean {
    if (!this.segments.accepts(end)) return false
    const row = value === null ? null : newRow(this.serdes.valueBytes(value), timestamp)
    const keyBytes = this.serdes.keyBytes(key)
    this.table.put(this.rowKey(this.segments.of(end), keyBytes, end, start), row, timestamp)
    return true
  }

  /** Deletes a session that has expired and that `findSessions` found all the same. */
  removeExpired({ key, start, end }: SessionRow<unknown, unknown>, timestamp: number): void {
    const keyBytes = this.serdes.keyBytes(key)
    this.table.put(this.rowKey(this.segments.of(end), keyBytes, end, start), null, timestamp)
  }

  /** With `withExpired`, also what has expired, as long as it is stored. */
  *findSessions(
    key: unknown,
    range: SessionRange & { withExpired?: boolean } = {},
  ): Iterable<SessionRow<unknown, unknown>> {
    const { earliestEnd = 0, latestStart = Infinity, reverse = false, withExpired = false } = range
    const from = Math.max(earliestEnd, withExpired ? 0 : this.segments.oldest, 0)
    const last = this.segments.observedTime
    if (from > last || latestStart < 0) return
    const keyBytes = this.serdes.keyBytes(key)
    const length = segmentBytes + keyBytes.length + sessionBytes
    const latest = int64Bytes(Math.min(latestStart, Number.MAX_SAFE_INTEGER)).toString('latin1')
    const [low, high] = [this.segments.of(from), this.segments.of(last)]
    for (let step = 0; step <= high - low; step++) {
      const segment = reverse ? high - step : low + step
      const bounds = {
        from: this.rowKey(segment, keyBytes, from, 0).toString('latin1'),
        to: this.rowKey(segment, keyBytes, last + 1, 0).toString('latin1'),
        reverse,
      }
      for (const text of this.table.keys(bounds)) {
        // Rows of longer keys may lie between.
        if (text.length !== length || text.slice(-8) > latest) continue
        const entry = this.table.rowAt(text)
        if (entry === undefined) continue
        const [tableKey, row] = entry
        yield {
          key,
          start: startOf(tableKey),
          end: endOf(tableKey),
          value: this.serdes.value(rowValue(row)),
          timestamp: rowTimestamp(row),
        }
      }
    }
  }

  *rows({ reverse }: { reverse?: boolean } = {}): Iterable<SessionRow<unknown, unknown>> {
    const oldest = this.segments.oldest
    for (const [key, row] of this.table.rows({ reverse })) {
      if (endOf(key) >= oldest) yield this.decode(key, row)
    }
  }

  /**
   * Sessions of all keys that end in a span of time, by end, then start, then key bytes, also those that are too old to be
   * found by key, as long as their segment is there. If they are in memory, by end, then key bytes, and none that is too old.
   * Needs the time index.
   */
  *rowsByTime({ from, to }: TimeSpan): Iterable<SessionRow<unknown, unknown>> {
    const oldest = this.#inMemory ? this.segments.oldest : this.segments.oldestStored
    const bounds = {
      from: int64Bytes(Math.max(from, oldest, 0)).toString('latin1'),
      to: int64Bytes(to + 1).toString('latin1'),
    }
    const keys = this.#times?.range(bounds) ?? []
    for (const timeKey of this.#inMemory ? byEndAndKey(keys) : keys) {
      const entry = this.table.rowAt(this.#tableKeyOf(timeKey))
      if (entry !== undefined) yield this.decode(...entry)
    }
  }

  /** The same without waiting; only over an engine that can. */
  *allSync(): Iterable<SessionRow<unknown, unknown>> {
    const oldest = this.segments.oldest
    for (const [key, row] of this.table.entriesSync()) {
      if (endOf(key) >= oldest) yield this.decode(key, row)
    }
  }

  /** The key of a row as it stands in the changelog topic, of the key in the table; a view. */
  changelogKey(tableKey: Buffer): Buffer {
    return tableKey.subarray(segmentBytes)
  }

  /** The key in the table of a changelog record, whose session counts as put. */
  restoredKey(changelogKey: Buffer): Buffer {
    const end = endOf(changelogKey)
    this.segments.observe(end)
    const key = Buffer.allocUnsafe(segmentBytes + changelogKey.length)
    writeInt64(key, this.segments.of(end), 0)
    changelogKey.copy(key, segmentBytes)
    return key
  }

  rowKey(segment: number, key: Buffer, end: number, start: number): Buffer {
    const tableKey = Buffer.allocUnsafe(segmentBytes + key.length + sessionBytes)
    writeInt64(tableKey, segment, 0)
    key.copy(tableKey, segmentBytes)
    writeInt64(tableKey, end, segmentBytes + key.length)
    writeInt64(tableKey, start, segmentBytes + key.length + 8)
    return tableKey
  }

  #tableKeyOf(timeKey: string): string {
    const end = timeKey.slice(0, 8)
    const segment = int64Bytes(this.segments.of(readInt64(Buffer.from(end, 'latin1'), 0)))
    return segment.toString('latin1') + timeKey.slice(16) + end + timeKey.slice(8, 16)
  }

  decode(key: Buffer, row: Buffer): SessionRow<unknown, unknown> {
    return {
      key: this.serdes.key(key.subarray(segmentBytes, key.length - sessionBytes)),
      start: startOf(key),
      end: endOf(key),
      value: this.serdes.value(rowValue(row)),
      timestamp: rowTimestamp(row),
    }
  }
}

/** End and start. */
export const sessionBytes = 16

export const endOf = (key: Buffer): number => readInt64(key, key.length - sessionBytes)

export const startOf = (key: Buffer): number => readInt64(key, key.length - 8)

/** Of a table's key: end, start, key. */
const timeKey = (key: string): string =>
  key.slice(-sessionBytes) + key.slice(segmentBytes, -sessionBytes)

/** `InMemorySessionStore` has no other order; of sessions that end together, one key's latest start comes first. */
function byEndAndKey(timeKeys: Iterable<string>): string[] {
  const parts = (timeKey: string): [end: string, key: string, start: string] => [
    timeKey.slice(0, 8),
    timeKey.slice(16),
    timeKey.slice(8, 16),
  ]
  return [...timeKeys].sort((a, b) => {
    const [end, key, start] = parts(a)
    const [otherEnd, otherKey, otherStart] = parts(b)
    return compare(end, otherEnd) || compare(key, otherKey) || compare(otherStart, start)
  })
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
