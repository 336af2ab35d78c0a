import assert from 'node:assert/strict'

import { MillraceError } from '../errors.ts'
import { KeyIndex, type KeyIndexRange } from './key-index.ts'
import type { RecordCache } from './record-cache.ts'
import { RowCache } from './row-cache.ts'
import type { Isolation, RowReader } from './row-reader.ts'
import type { Entry, KeyRange, StoreDatabase, WriteOperation } from './store-engine.ts'
import { isIntact, sealRow } from './stored-row.ts'
import { asTaskError, taskCorrupted } from './task-corrupted.ts'

/** A row that the open transaction has written; `row` is null for a delete. */
export interface DirtyRow {
  /** Key in the database. */
  readonly key: Buffer
  readonly row: Buffer | null
  /** Event time of the value, or of the delete. */
  readonly timestamp: number
}

/** Hears of the keys of a table as they come and go; they are latin1 strings. */
export interface KeyListener {
  added(key: string): void
  deleted(key: string): void
}

/**
 * One store in bytes: the rows that the open transaction has written, over the rows of the database. Nothing of an open
 * transaction reaches the database. A commit has two steps, so that the task may send the changes to the changelog in
 * between: `prepare` closes the transaction and shows its rows, `operations` are then what to write, and `committed` ends
 * it. In the meantime reads see the prepared rows, and a new transaction may begin.
 */
export class RowTable {
  /** All rows of the store, in the database's keys. */
  readonly range: Required<Pick<KeyRange, 'from' | 'to'>>
  readonly #database: StoreDatabase
  readonly #prefix: Buffer
  /** How messages name the store. */
  readonly #name: string
  readonly #cache = new RowCache()
  #open = new Map<string, DirtyRow>()
  #prepared = new Map<string, DirtyRow>()
  /** The keys of all rows, those of the open transaction too; null where nobody reads ranges. */
  readonly #index: KeyIndex | null
  #listener: KeyListener | null = null
  /** Hears of the rows that are put; null where nobody waits for a flush. */
  #updates: Pick<RecordCache<never>, 'has' | 'add' | 'written'> | null = null

  constructor(database: StoreDatabase, taskId: string, storeName: string, ordered = false) {
    this.#index = ordered ? new KeyIndex() : null
    this.#database = database
    this.#prefix = storePrefix(storeName)
    this.range = { from: this.#prefix, to: afterPrefix(this.#prefix) }
    this.#name = `State store ${storeName} of task ${taskId}`
  }

  get(key: Buffer): Buffer | undefined {
    return this.#get(key, key.toString('latin1'))
  }

  #get(key: Buffer, text: string): Buffer | undefined {
    const dirty = this.#open.get(text) ?? this.#prepared.get(text)
    if (dirty !== undefined) return dirty.row ?? undefined
    return this.#cache.get(text) ?? this.#read(key, text)
  }

  /** Has a cache hear of all rows that are put, with the rows before them. */
  cacheUpdates(updates: Pick<RecordCache<never>, 'has' | 'add' | 'written'>): void {
    this.#updates = updates
  }

  /** Number of rows. Only of an ordered table. */
  get size(): number {
    return this.#keys.size
  }

  /** The first of the keys, undefined when there is none. Only of an ordered table. */
  get firstKey(): string | undefined {
    return this.#keys.first
  }

  /** Tells of each key from here on, of those that are there already too. Only of an ordered table. */
  listen(listener: KeyListener): void {
    for (const key of this.#keys.range({})) listener.added(key)
    this.#listener = listener
  }

  /**
   * The keys of a range that are there now, whatever is put while the iteration goes on, as latin1 strings. Only of an
   * ordered table.
   */
  keys(range: KeyIndexRange): Iterable<string> {
    return this.#keys.range(range)
  }

  /**
   * The rows of those keys, as they are when it comes to each; without those that are gone by then. Only of an ordered
   * table.
   */
  *rows(range: KeyIndexRange): Iterable<Entry> {
    for (const text of this.#keys.range(range)) {
      const row = this.rowAt(text)
      if (row !== undefined) yield row
    }
  }

  /** The row of a key that `keys` gave; undefined when it is gone. */
  rowAt(text: string): Entry | undefined {
    const key = Buffer.from(text, 'latin1')
    const row = this.#get(key, text)
    if (row !== undefined) return [key, row]
    if (this.#keys.has(text)) throw taskCorrupted(this.#name, 'a row is missing')
    return undefined
  }

  get #keys(): KeyIndex {
    if (this.#index !== null) return this.#index
    throw new MillraceError(
      'INVALID_CONFIG',
      `${this.#name} is not ordered: it can be read by key alone. Leave ordered: false out of its definition.`,
    )
  }

  /** Learns the keys of the rows that the database holds. */
  async load(): Promise<void> {
    if (this.#index === null) return
    try {
      for await (const [key] of this.#database.entries(this.range)) {
        this.#keyChanged(key.toString('latin1', this.#prefix.length), true)
      }
    } catch (error) {
      throw asTaskError(error, this.#name)
    }
  }

  /** What to write to the database, past the transaction, for a row that was restored. */
  restored(key: Buffer, row: Buffer | null): WriteOperation {
    const databaseKey = this.databaseKey(key)
    if (row !== null) sealRow(databaseKey, row)
    if (this.#index !== null) this.#keyChanged(key.toString('latin1'), row !== null)
    return { key: databaseKey, value: row }
  }

  #keyChanged(key: string, present: boolean): void {
    if (this.#index === null) return
    if (present) {
      if (this.#index.add(key)) this.#listener?.added(key)
    } else if (this.#index.delete(key)) this.#listener?.deleted(key)
  }

  #read(key: Buffer, text: string): Buffer | undefined {
    const databaseKey = this.databaseKey(key)
    let row: Buffer | undefined
    try {
      row = this.#database.get(databaseKey)
    } catch (error) {
      throw asTaskError(error, this.#name)
    }
    if (row === undefined) return undefined
    this.#check(databaseKey, row)
    this.#cache.set(text, row)
    return row
  }

  /** Sets a row, or deletes it when `row` is null. Rows are committed in the order of their last `put`. */
  put(key: Buffer, row: Buffer | null, timestamp: number): void {
    const text = key.toString('latin1')
    const updates = this.#updates
    if (updates !== null) {
      if (!updates.has(text)) updates.add(text, this.#get(key, text), this.#open.has(text))
      updates.written(text, row)
    }
    this.#put(key, text, row, timestamp)
  }

  /** Deletes a row for want of room: no update of the table. */
  evict(key: Buffer, timestamp: number): void {
    this.#put(key, key.toString('latin1'), null, timestamp)
  }

  /** Takes back what the open transaction has written of a row. */
  forget(text: string): void {
    this.#open.delete(text)
  }

  #put(key: Buffer, text: string, row: Buffer | null, timestamp: number): void {
    const before = this.#open.get(text)
    if (before !== undefined) this.#open.delete(text)
    this.#open.set(text, { key: before?.key ?? this.databaseKey(key), row, timestamp })
    if (this.#index !== null) this.#keyChanged(text, row !== null)
  }

  /**
   * Deletes, at `timestamp`, up to `limit` of the rows that the database holds in a range of its keys. Returns the key of
   * the next one; null when the range has no more.
   */
  async deleteStored(range: KeyRange, limit: number, timestamp: number): Promise<Buffer | null> {
    let left = limit
    try {
      for await (const [key, row] of this.#database.entries(range)) {
        if (left-- === 0) return key
        this.#deleteOne(key, row, timestamp)
      }
    } catch (error) {
      throw asTaskError(error, this.#name)
    }
    return null
  }

  /** The same without waiting; only over an engine that can. */
  deleteStoredSync(range: KeyRange, limit: number, timestamp: number): Buffer | null {
    let left = limit
    for (const [key, row] of this.#entriesSync(range)) {
      if (left-- === 0) return key
      this.#deleteOne(key, row, timestamp)
    }
    return null
  }

  #deleteOne(key: Buffer, row: Buffer, timestamp: number): void {
    // A damaged key would get a tombstone for a row that may well live.
    this.#check(key, row)
    const text = key.toString('latin1', this.#prefix.length)
    this.#open.set(text, { key, row: null, timestamp })
    if (this.#index !== null) this.#keyChanged(text, false)
  }

  /** Key in the database of a key of the store. */
  databaseKey(key: Buffer): Buffer {
    const databaseKey = Buffer.allocUnsafe(this.#prefix.length + key.length)
    this.#prefix.copy(databaseKey)
    key.copy(databaseKey, this.#prefix.length)
    return databaseKey
  }

  /** The inverse of `databaseKey`; a view. */
  storeKey(databaseKey: Buffer): Buffer {
    return databaseKey.subarray(this.#prefix.length)
  }

  /** Whether the database iterates without waiting. */
  get isSync(): boolean {
    return this.#database.entriesSync !== undefined
  }

  get isDirty(): boolean {
    return this.#open.size > 0 || this.#prepared.size > 0
  }

  prepare(): Iterable<DirtyRow> {
    assert(this.#prepared.size === 0, 'the commit before this one has not ended')
    this.#prepared = this.#open
    this.#open = new Map()
    return this.#prepared.values()
  }

  operations(into: WriteOperation[]): void {
    for (const { key, row } of this.#prepared.values()) {
      if (row !== null) sealRow(key, row)
      into.push({ key, value: row })
    }
  }

  committed(): void {
    for (const [text, { row }] of this.#prepared) {
      if (row === null) this.#cache.delete(text)
      else this.#cache.set(text, row)
    }
    this.#prepared = new Map()
  }

  /** Rows are written to the database past the transaction. */
  overwritten(): void {
    this.#cache.clear()
  }

  /**
   * The table as queries read it: with what the open transaction has written, or without. Under readCommitted a prepared
   * transaction counts as open, for its commit may still fail.
   */
  reader(isolation: Isolation): RowReader {
    if (isolation === 'readUncommitted') return this
    const get = (key: Buffer, text = key.toString('latin1')): Buffer | undefined =>
      this.#cache.get(text) ?? this.#read(key, text)
    return {
      get: key => get(key),
      keys: range => this.#committedKeys(range),
      rowAt(text) {
        const key = Buffer.from(text, 'latin1')
        const row = get(key, text)
        return row === undefined ? undefined : [key, row]
      },
      entries: (range = {}) => this.#between(range, noOverlay),
    }
  }

  /** As `keys`, which the index cannot say: it has the keys of the open transaction, and lacks those that it deletes. */
  #committedKeys({ from = '', to, reverse = false }: KeyIndexRange): string[] {
    const isDeleted = ([text, { row }]: [string, DirtyRow]): boolean =>
      row === null && text >= from && (to === undefined || text < to)
    const deleted = [...this.#prepared, ...this.#open].filter(isDeleted).map(([text]) => text)
    const keys = [...new Set([...this.#keys.range({ from, to }), ...deleted])].sort()
    const isCommitted = (text: string): boolean =>
      (this.#cache.get(text) ?? this.#read(Buffer.from(text, 'latin1'), text)) !== undefined
    return (reverse ? keys.toReversed() : keys).filter(isCommitted)
  }

  /** Rows in the order of the keys' bytes, as of the beginning of the iteration; bounds and keys are the store's. */
  entries(range: KeyRange = {}): AsyncIterable<Entry> {
    return this.#between(range, () => this.#overlay(range))
  }

  async *#between({ from, to, reverse }: KeyRange, begin: () => Overlay): AsyncIterable<Entry> {
    const overlay = begin()
    const bounds = {
      from: from === undefined ? this.range.from : this.databaseKey(from),
      to: to === undefined ? this.range.to : this.databaseKey(to),
      ...(reverse !== undefined && { reverse }),
    }
    try {
      for await (const [key, row] of this.#database.entries(bounds)) {
        yield* this.#step(key, row, overlay)
      }
    } catch (error) {
      throw asTaskError(error, this.#name)
    }
    yield* this.#rest(overlay)
  }

  /** The same without waiting; only over an engine that can. */
  *entriesSync(): Iterable<Entry> {
    const overlay = this.#overlay({})
    for (const [key, row] of this.#entriesSync(this.range)) yield* this.#step(key, row, overlay)
    yield* this.#rest(overlay)
  }

  #entriesSync(range: KeyRange): Iterable<Entry> {
    const database = this.#database
    assert(database.entriesSync !== undefined, 'this storage engine cannot iterate synchronously')
    return database.entriesSync(range)
  }

  /** What stands in the overlay before a committed row, then that row, unless the overlay has its successor. */
  *#step(key: Buffer, row: Buffer, overlay: Overlay): Iterable<Entry> {
    let overwritten = false
    for (;;) {
      const dirty = overlay.rows[overlay.at]
      const order = dirty === undefined ? 1 : overlay.sign * Buffer.compare(dirty.key, key)
      if (dirty === undefined || order > 0) break
      overwritten ||= order === 0
      overlay.at++
      if (dirty.row !== null) yield [this.storeKey(dirty.key), dirty.row]
    }
    if (overwritten) return
    this.#check(key, row)
    yield [this.storeKey(key), row]
  }

  /** What stands in the overlay after the last committed row. */
  *#rest({ rows, at }: Overlay): Iterable<Entry> {
    for (const { key, row } of rows.slice(at)) if (row !== null) yield [this.storeKey(key), row]
  }

  #check(databaseKey: Buffer, row: Buffer): void {
    if (isIntact(databaseKey, row)) return
    throw taskCorrupted(this.#name, 'the checksum of a row does not match')
  }

  #overlay({ from, to, reverse = false }: KeyRange): Overlay {
    const [first, end] = [from?.toString('latin1') ?? '', to?.toString('latin1')]
    const rows = new Map<string, DirtyRow>()
    for (const dirty of [this.#prepared, this.#open]) {
      for (const [text, row] of dirty) {
        if (text >= first && (end === undefined || text < end)) rows.set(text, row)
      }
    }
    const sign = reverse ? -1 : 1
    const sorted = [...rows.values()].sort((a, b) => sign * Buffer.compare(a.key, b.key))
    return { rows: sorted, sign, at: 0 }
  }
}

/** Dirty rows in the order of the iteration, and how many of them were passed. */
interface Overlay {
  readonly rows: readonly DirtyRow[]
  /** -1 when the iteration goes backwards. */
  readonly sign: 1 | -1
  at: number
}

const noOverlay = (): Overlay => ({ rows: [], sign: 1, at: 0 })

/** Store names are at most 255 bytes: no name is the beginning of another one's rows, as the length comes first. */
function storePrefix(storeName: string): Buffer {
  const name = Buffer.from(storeName)
  if (name.length === 0 || name.length > 255) {
    throw new MillraceError(
      'INVALID_TOPOLOGY',
      `The store name '${storeName}' has ${name.length} bytes. Give it a name of 1 to 255 bytes.`,
    )
  }
  return Buffer.concat([Buffer.from([name.length]), name])
}

/** The first key after all those that begin with `prefix`, which ends in UTF-8: its last byte can grow. */
function afterPrefix(prefix: Buffer): Buffer {
  const after = Buffer.from(prefix)
  const last = after.length - 1
  after.writeUInt8(after.readUInt8(last) + 1, last)
  return after
}
