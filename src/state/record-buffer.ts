import { int64Bytes, readInt64, writeInt64 } from '../protocol/int64.ts'
import { readBuffered, writeBuffered } from './buffered-bytes.ts'
import type { BufferedChange } from './change-buffer.ts'
import type { RowTable } from './row-table.ts'
import type { RecordBufferDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowValue } from './stored-row.ts'

/** A record that is held back, with all that is needed to hand it on later. */
export interface BufferedRecord extends Pick<
  BufferedChange,
  'key' | 'timestamp' | 'headers' | 'metadata'
> {
  readonly value: unknown
}

/**
 * Records that wait until time has gone on, in the order in which they leave: by time, then key, then as they came. Kafka
 * Streams' `RocksDBTimeOrderedKeyValueBuffer`, with the keys of its rows: time (int64), key, sequence number (int32).
 */
export class RecordBuffer {
  readonly name: string
  readonly table: RowTable
  readonly #serdes: StoreSerdes
  #place: Place | null = null

  constructor(definition: RecordBufferDefinition, table: RowTable) {
    this.name = definition.name
    this.table = table
    this.#serdes = storeSerdes(definition)
  }

  /**
   * Largest time of all records put so far, -1 before the first. After a restart it is the largest that waits: whoever lets
   * records go by this time, and not at once, has the one that it belongs to still waiting.
   */
  get streamTime(): number {
    return this.#now.streamTime
  }

  put({ key, value, timestamp, headers, metadata }: BufferedRecord): void {
    const now = this.#now
    now.sequence = (now.sequence + 1) % sequences
    now.streamTime = Math.max(now.streamTime, timestamp)
    const keyBytes = this.#serdes.keyBytes(key)
    const rowKey = Buffer.allocUnsafe(timeBytes + keyBytes.length + sequenceBytes)
    writeInt64(rowKey, timestamp, 0)
    keyBytes.copy(rowKey, timeBytes)
    rowKey.writeInt32BE(now.sequence, timeBytes + keyBytes.length)
    const newValue = this.#serdes.valueBytes(value)
    const bytes = writeBuffered({ priorValue: null, oldValue: null, newValue, headers, metadata })
    this.table.put(rowKey, newRow(bytes, timestamp), timestamp)
  }

  /** Lets go of all records up to a time, included. */
  *release(until: number): Iterable<BufferedRecord> {
    if (until < 0) return
    for (const text of this.table.keys({ to: int64Bytes(until + 1).toString('latin1') })) {
      const entry = this.table.rowAt(text)
      if (entry === undefined) continue
      const [rowKey, row] = entry
      const timestamp = readInt64(rowKey, 0)
      const { newValue, headers, metadata } = readBuffered(rowValue(row))
      const value = newValue === null ? null : this.#serdes.value(newValue)
      const key = this.#serdes.key(rowKey.subarray(timeBytes, rowKey.length - sequenceBytes))
      this.table.put(rowKey, null, timestamp)
      yield { key, value, timestamp, headers, metadata }
    }
  }

  changelogKey(tableKey: Buffer): Buffer {
    return tableKey
  }

  restoredKey(changelogKey: Buffer): Buffer {
    this.#place = null
    return changelogKey
  }

  get #now(): Place {
    if (this.#place !== null) return this.#place
    const place = { streamTime: -1, sequence: -1 }
    for (const text of this.table.keys({})) {
      const rowKey = Buffer.from(text, 'latin1')
      place.streamTime = readInt64(rowKey, 0)
      place.sequence = Math.max(place.sequence, rowKey.readInt32BE(rowKey.length - sequenceBytes))
    }
    this.#place = place
    return place
  }
}

interface Place {
  streamTime: number
  /** Of the last record. */
  sequence: number
}

const timeBytes = 8
const sequenceBytes = 4

/** They are int32 and not negative, and begin anew after the last one. */
const sequences = 2 ** 31
