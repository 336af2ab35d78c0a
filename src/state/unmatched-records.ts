import { int64Bytes, readInt64, writeInt64 } from '../protocol/int64.ts'
import type { RowTable } from './row-table.ts'
import type { UnmatchedRecordsDefinition } from './store-definition.ts'
import { type StoreSerdes, storeSerdes } from './store-serdes.ts'
import { newRow, rowValue } from './stored-row.ts'

export type Side = 'left' | 'right'

/** A record that found no partner. */
export interface UnmatchedRecord {
  readonly side: Side
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
}

/**
 * Records of both sides of a stream-stream join that have found no partner yet and whose windows are open: the
 * `outer-shared-join-store` of Kafka Streams. They go out by time; of one time the right ones first, then by key, then as they
 * came.
 *
 * When closed ones are released, Kafka Streams remembers as the oldest of all the time of the last one that it looked at on its
 * way, and looks again when that one's window has passed; so a record may wait longer than it would have to. What comes
 * out when depends on it, so it is the same here, but without the way: the key of a row begins with the side, and the closed ones
 * of a side lie together. Releasing costs what is released.
 *
 * Stream time and the oldest time stand in a row of their own, so that a task that moves goes on as if it had stayed.
 *
 * A row's key: side (0 right, 1 left), time (int64), key with its end marked, sequence number (uint32).
 */
export class UnmatchedRecords {
  readonly name: string
  readonly table: RowTable
  readonly #serdes: Readonly<Record<Side, StoreSerdes>>
  #times: Times | null = null
  /** Something was held, ever: until then the times need no row, as the stores of the sides know them. */
  #isUsed = false

  constructor(definition: UnmatchedRecordsDefinition, table: RowTable) {
    this.name = definition.name
    this.table = table
    this.#serdes = {
      left: storeSerdes(definition),
      right: storeSerdes({ ...definition, value: definition.otherValue }),
    }
  }

  /** Largest time that either side has seen; -1 before the first. */
  get streamTime(): number {
    return this.#now.streamTime
  }

  /** Until the window of this time has passed there is nothing to release, as far as is remembered; Infinity: nothing at all. */
  get minTime(): number {
    return this.#now.minTime
  }

  observe(timestamp: number): void {
    const now = this.#now
    if (timestamp <= now.streamTime) return
    now.streamTime = timestamp
    now.isChanged = true
  }

  /** Keeps a record until it is matched or released. */
  hold(side: Side, key: unknown, value: unknown, timestamp: number): void {
    const serdes = this.#serdes[side]
    const prefix = rowPrefix(side, timestamp, serdes.keyBytes(key))
    const rowKey = Buffer.allocUnsafe(prefix.length + sequenceBytes)
    prefix.copy(rowKey)
    rowKey.writeUInt32BE(this.#nextSequence(prefix), prefix.length)
    this.table.put(rowKey, newRow(serdes.valueBytes(value), timestamp), timestamp)
    this.#isUsed = true
    const now = this.#now
    if (timestamp >= now.minTime) return
    now.minTime = timestamp
    now.isChanged = true
  }

  /** The records of a side that have this key and time have found a partner. */
  matched(side: Side, key: unknown, timestamp: number): void {
    const prefix = rowPrefix(side, timestamp, this.#serdes[side].keyBytes(key)).toString('latin1')
    for (const rowKey of this.table.keys({ from: prefix, to: `${prefix}${maxSequence}\0` })) {
      this.#delete(rowKey, timestamp)
    }
  }

  /** Lets go of the records of each side whose times are below these. */
  *release(closed: Readonly<Record<Side, number>>): Iterable<UnmatchedRecord> {
    const now = this.#now
    now.isChanged = true
    const lastLookedAt = this.#lastLookedAt(closed)
    const closedKeys = (side: Side): string[] => [
      ...this.table.keys({ from: bound(side, 0), to: bound(side, Math.max(0, closed[side])) }),
    ]
    const keys = { left: closedKeys('left'), right: closedKeys('right') }
    const at = { left: 0, right: 0 }
    for (;;) {
      const side = firstOf(keys.left[at.left], keys.right[at.right])
      if (side === undefined) break
      const released = this.#take(side, keys[side][at[side]++] ?? '')
      if (released === undefined) continue
      // Should its result fail, the next look finds the others.
      now.minTime = released.timestamp
      yield released
    }
    now.minTime = lastLookedAt
  }

  changelogKey(tableKey: Buffer): Buffer {
    return tableKey
  }

  restoredKey(changelogKey: Buffer): Buffer {
    this.#times = null
    return changelogKey
  }

  /** Writes down the times, before the transaction ends. */
  beforeCommit(): void {
    const now = this.#times
    if (now === null || !now.isChanged || !this.#isUsed) return
    now.isChanged = false
    const value = Buffer.allocUnsafe(16)
    writeInt64(value, now.streamTime, 0)
    writeInt64(value, now.minTime === Infinity ? -1 : now.minTime, 8)
    this.table.put(timesKey, newRow(value, now.streamTime), now.streamTime)
  }

  get #now(): Times {
    if (this.#times !== null) return this.#times
    const row = this.table.get(timesKey)
    if (row === undefined) {
      this.#times = { streamTime: -1, minTime: Infinity, isChanged: false }
      return this.#times
    }
    const value = rowValue(row)
    const minTime = readInt64(value, 8)
    this.#isUsed = true
    this.#times = {
      streamTime: readInt64(value, 0),
      minTime: minTime < 0 ? Infinity : minTime,
      isChanged: false,
    }
    return this.#times
  }

  /**
   * Time of the last row that Kafka Streams would look at: in the order of the times, of one time the right side first, the
   * one after the first open rows of both sides, else the last of all.
   */
  #lastLookedAt(closed: Readonly<Record<Side, number>>): number {
    const firstOpen = (side: Side): string | undefined =>
      this.#first(side, Math.max(0, closed[side]))
    const left = firstOpen('left')
    const right = firstOpen('right')
    if (left === undefined || right === undefined) {
      const last = (side: Side): number => timeOf(this.#first(side, 0, { reverse: true }), -1)
      const latest = Math.max(last('left'), last('right'))
      return latest < 0 ? Infinity : latest
    }
    const isLeftLater = firstOf(left, right) === 'right'
    const time = timeOf(isLeftLater ? left : right, 0)
    const nextLeft = isLeftLater ? this.#after(left, 'left') : this.#first('left', time)
    const nextRight = isLeftLater ? this.#first('right', time + 1) : this.#after(right, 'right')
    const next = Math.min(timeOf(nextLeft, Infinity), timeOf(nextRight, Infinity))
    return next === Infinity ? time : next
  }

  #first(side: Side, from: number, { reverse = false } = {}): string | undefined {
    return firstOfAll(this.table.keys({ from: bound(side, from), to: afterSide(side), reverse }))
  }

  #after(rowKey: string, side: Side): string | undefined {
    return firstOfAll(this.table.keys({ from: `${rowKey}\0`, to: afterSide(side) }))
  }

  #take(side: Side, rowKey: string): UnmatchedRecord | undefined {
    const entry = this.table.rowAt(rowKey)
    if (entry === undefined) return undefined
    const [bytes, row] = entry
    const timestamp = readInt64(bytes, 1)
    const key = unmarked(bytes.subarray(headBytes, bytes.length - sequenceBytes))
    this.#delete(rowKey, timestamp)
    const serdes = this.#serdes[side]
    return { side, key: serdes.key(key), value: serdes.value(rowValue(row)), timestamp }
  }

  #delete(rowKey: string, timestamp: number): void {
    this.table.put(Buffer.from(rowKey, 'latin1'), null, timestamp)
  }

  #nextSequence(prefix: Buffer): number {
    const from = prefix.toString('latin1')
    const last = firstOfAll(this.table.keys({ from, to: `${from}${maxSequence}\0`, reverse: true }))
    if (last === undefined) return 0
    return Buffer.from(last.slice(-sequenceBytes), 'latin1').readUInt32BE(0) + 1
  }
}

interface Times {
  streamTime: number
  minTime: number
  isChanged: boolean
}

/** After both sides. */
const timesKey = Buffer.from([2])

const sideBytes = { right: '\0', left: '\u0001' } as const

const afterSide = (side: Side): string => (side === 'right' ? '\u0001' : '\u0002')

/** Side and time. */
const headBytes = 9

const sequenceBytes = 4
const maxSequence = '\u00ff'.repeat(sequenceBytes)

const bound = (side: Side, time: number): string =>
  sideBytes[side] + int64Bytes(time).toString('latin1')

function rowPrefix(side: Side, time: number, key: Buffer): Buffer {
  const marked = withMarkedEnd(key)
  const prefix = Buffer.allocUnsafe(headBytes + marked.length)
  prefix.writeUInt8(side === 'left' ? 1 : 0, 0)
  writeInt64(prefix, time, 1)
  marked.copy(prefix, headBytes)
  return prefix
}

/** Two zeros end a key, and a zero within is followed by 255: so what comes behind does not disturb the order of the keys. */
function withMarkedEnd(key: Buffer): Buffer {
  const marked = Buffer.alloc(2 * key.length + 2)
  let length = 0
  for (const byte of key) {
    marked[length++] = byte
    if (byte === 0) marked[length++] = 255
  }
  return marked.subarray(0, length + 2)
}

function unmarked(marked: Buffer): Buffer {
  const key = Buffer.allocUnsafe(marked.length)
  let length = 0
  for (let at = 0; at < marked.length - 2; at++) {
    const byte = marked.readUInt8(at)
    key[length++] = byte
    if (byte === 0) at++
  }
  return key.subarray(0, length)
}

const timeOf = (rowKey: string | undefined, otherwise: number): number =>
  rowKey === undefined ? otherwise : readInt64(Buffer.from(rowKey.slice(1, headBytes), 'latin1'), 0)

/** The side whose row comes first. */
function firstOf(left: string | undefined, right: string | undefined): Side | undefined {
  if (left === undefined) return right === undefined ? undefined : 'right'
  if (right === undefined) return 'left'
  return right.slice(1, headBytes) <= left.slice(1, headBytes) ? 'right' : 'left'
}

function firstOfAll(keys: Iterable<string>): string | undefined {
  for (const key of keys) return key
  return undefined
}
