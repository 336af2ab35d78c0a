import assert from 'node:assert/strict'
import { readInt64, writeInt64 } from '../protocol/int64.ts'
import type { RecordHeader } from '../protocol/record-batch-builder.ts'
import { type BufferedBytes, readBuffered, readPrior, writeBuffered } from './buffered-bytes.ts'
import type { RowTable } from './row-table.ts'
import type { ChangeBufferDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowTimestamp, rowValue } from './stored-row.ts'

/** A change of a table that is held back, with all that is needed to hand it on later. */
export interface BufferedChange {
  readonly key: unknown
  readonly newValue: unknown
  readonly oldValue: unknown
  readonly timestamp: number
  readonly headers: readonly RecordHeader[]
  /** Where the record that made the change was read from. */
  readonly metadata: RecordSource | null
}

export interface RecordSource {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/**
 * Changes of a table that wait, one for each key, in the order of the times they were first put with, then of their keys' bytes.
 * A later change of a key takes the place of the one before and keeps its time. Kafka Streams'
 * `InMemoryTimeOrderedKeyValueChangeBuffer`, but that rows lie in the database like those of other stores: after a restart
 * they are there.
 *
 * A row's key: time (int64), key.
 */
export class ChangeBuffer {
  readonly name: string
  readonly table: RowTable
  readonly #serdes: StoreSerdes
  /** By key, the time at which its change waits; keys are latin1 strings. */
  readonly #times = new Map<string, number>()
  /** Undefined until it is looked up again. */
  #minTime: number | undefined
  /** Null until somebody asks, and then kept. */
  #sizeBytes: number | null = null

  constructor(definition: ChangeBufferDefinition, table: RowTable) {
    this.name = definition.name
    this.table = table
    this.#serdes = storeSerdes(definition)
    table.listen({
      added: rowKey => void this.#times.set(rowKey.slice(timeBytes), timeOf(rowKey)),
      deleted: rowKey => void this.#times.delete(rowKey.slice(timeBytes)),
    })
  }

  /** Number of changes. */
  get size(): number {
    return this.#times.size
  }

  /** What Kafka Streams counts as their size: bytes of keys, values, topics and headers, and 28 for each. */
  get sizeBytes(): number {
    if (this.#sizeBytes === null) {
      this.#sizeBytes = 0
      for (const [rowKey, row] of this.table.rows({})) {
        this.#sizeBytes += estimatedSize(rowKey, readBuffered(rowValue(row)))
      }
    }
    return this.#sizeBytes
  }

  /** Time of the change that goes first; Infinity when there is none. */
  get minTime(): number {
    if (this.#minTime === undefined) {
      const first = this.table.firstKey
      this.#minTime = first === undefined ? Infinity : timeOf(first)
    }
    return this.#minTime
  }

  /** Holds a change back; `time` counts if none of its key is waiting. */
  put(time: number, change: BufferedChange): void {
    const key = this.#serdes.keyBytes(change.key)
    const knownTime = this.#times.get(key.toString('latin1'))
    const rowKey = rowKeyOf(knownTime ?? time, key)
    const before = knownTime === undefined ? undefined : this.table.get(rowKey)
    const oldValue = this.#valueBytes(change.oldValue)
    const buffered = {
      priorValue: before === undefined ? oldValue : readPrior(rowValue(before)),
      oldValue,
      newValue: this.#valueBytes(change.newValue),
      headers: change.headers,
      metadata: change.metadata,
    }
    if (this.#sizeBytes !== null) {
      if (before !== undefined) {
        this.#sizeBytes -= estimatedSize(rowKey, readBuffered(rowValue(before)))
      }
      this.#sizeBytes += estimatedSize(rowKey, buffered)
    }
    this.table.put(rowKey, newRow(writeBuffered(buffered), change.timestamp), change.timestamp)
    if (knownTime === undefined && time < this.minTime) this.#minTime = time
  }

  /** The change that goes first. There must be one. */
  first(): BufferedChange {
    const [rowKey, row] = this.#firstRow()
    const { oldValue, newValue, headers, metadata } = readBuffered(rowValue(row))
    return {
      key: this.#serdes.key(rowKey.subarray(timeBytes)),
      oldValue: this.#value(oldValue),
      newValue: this.#value(newValue),
      timestamp: rowTimestamp(row),
      headers,
      metadata,
    }
  }

  removeFirst(): void {
    const [rowKey, row] = this.#firstRow()
    if (this.#sizeBytes !== null) {
      this.#sizeBytes -= estimatedSize(rowKey, readBuffered(rowValue(row)))
    }
    this.table.put(rowKey, null, rowTimestamp(row))
    this.#minTime = undefined
  }

  /** What a key held before its first change that waits, null for nothing; undefined when none of it is waiting. */
  priorValue(key: unknown): unknown {
    const keyBytes = this.#serdes.keyBytes(key)
    const time = this.#times.get(keyBytes.toString('latin1'))
    if (time === undefined) return undefined
    const row = this.table.get(rowKeyOf(time, keyBytes))
    return row === undefined ? undefined : this.#value(readPrior(rowValue(row)))
  }

  changelogKey(tableKey: Buffer): Buffer {
    return tableKey
  }

  restoredKey(changelogKey: Buffer): Buffer {
    this.#minTime = undefined
    this.#sizeBytes = null
    return changelogKey
  }

  #firstRow(): readonly [Buffer, Buffer] {
    const first = this.table.firstKey
    const row = first === undefined ? undefined : this.table.rowAt(first)
    assert(row !== undefined, `the buffer ${this.name} is empty`)
    return row
  }

  #valueBytes(value: unknown): Buffer | null {
    return value === null ? null : this.#serdes.valueBytes(value)
  }

  #value(bytes: Buffer | null): unknown {
    return bytes === null ? null : this.#serdes.value(bytes)
  }
}

const timeBytes = 8

/** A window without end closes at the end of all times that a number can tell. */
function rowKeyOf(time: number, key: Buffer): Buffer {
  const rowKey = Buffer.allocUnsafe(timeBytes + key.length)
  writeInt64(rowKey, Math.min(time, Number.MAX_SAFE_INTEGER), 0)
  key.copy(rowKey, timeBytes)
  return rowKey
}

const timeOf = (rowKey: string): number =>
  readInt64(Buffer.from(rowKey.slice(0, timeBytes), 'latin1'), 0)

/** `InMemoryTimeOrderedKeyValueChangeBuffer#computeRecordSize`: the time, timestamp, offset and partition are 28 bytes. */
function estimatedSize(rowKey: Buffer, buffered: BufferedBytes): number {
  const { priorValue, oldValue, newValue, headers, metadata } = buffered
  const sizeOf = (bytes: Buffer | null): number => (bytes === null ? 0 : bytes.length)
  const isSame = oldValue !== null && priorValue?.equals(oldValue) === true
  let size = rowKey.length + 20 + (metadata?.topic.length ?? 0)
  size += sizeOf(priorValue) + (isSame ? 0 : sizeOf(oldValue)) + sizeOf(newValue)
  for (const header of headers) size += header.key.length + sizeOf(header.value)
  return size
}
