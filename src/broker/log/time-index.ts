/**
 * Timestamp → offset, sparse (Kafka: TimeIndex). On disk each entry is `timestamp i64, relativeOffset i32`, both
 * ascending: up to and including that offset no record of the segment has a later timestamp, and the batch that ends
 * at it has exactly this one as its largest. The last entry of a closed segment holds its largest timestamp.
 */
import type { Files } from '../../platform/platform.ts'
import { IndexFile } from './index-file.ts'

const entryBytes = 12

export class TimeIndex {
  #timestamps = new Float64Array(64)
  #offsets = new Int32Array(64)
  #count = 0
  readonly #file: IndexFile

  constructor(files: Files, path: string) {
    this.#file = new IndexFile(files, path, entryBytes)
  }

  /** Reads the file; false when it is missing or its entries do not ascend. */
  load(): boolean {
    this.#count = 0
    const content = this.#file.load()
    if (content === undefined) return false
    for (let at = 0; at < content.length; at += entryBytes) {
      const timestamp = content.readInt32BE(at) * 0x1_0000_0000 + content.readUInt32BE(at + 4)
      const offset = content.readInt32BE(at + 8)
      const before = this.#count
      if (Number.isSafeInteger(timestamp) && offset >= 0) this.add(timestamp, offset)
      if (this.#count === before) {
        this.clear()
        return false
      }
    }
    return true
  }

  get count(): number {
    return this.#count
  }

  timestamp(entry: number): number {
    return this.#timestamps[entry] ?? -1
  }

  offset(entry: number): number {
    return this.#offsets[entry] ?? -1
  }

  /** Number of entries whose timestamp is below `timestamp`: no record up to the last of them can be meant. */
  countBelow(timestamp: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timestamp(middle) < timestamp) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Adds the entry if its timestamp and offset are above all others; otherwise it says nothing new. */
  add(timestamp: number, relativeOffset: number): void {
    const last = this.#count - 1
    if (timestamp < 0 || relativeOffset < 0) return
    if (last >= 0 && (timestamp <= this.timestamp(last) || relativeOffset <= this.offset(last)))
      return
    if (this.#count === this.#timestamps.length) {
      const timestamps = new Float64Array(this.#count * 2)
      const offsets = new Int32Array(this.#count * 2)
      timestamps.set(this.#timestamps)
      offsets.set(this.#offsets)
      this.#timestamps = timestamps
      this.#offsets = offsets
    }
    this.#timestamps[this.#count] = timestamp
    this.#offsets[this.#count] = relativeOffset
    this.#count++
  }

  /** Drops the entries at and above the offset. */
  truncate(relativeOffset: number): void {
    let keep = this.#count
    while (keep > 0 && this.offset(keep - 1) >= relativeOffset) keep--
    if (keep < this.#count) this.#file.rewriteFromStart()
    this.#count = keep
  }

  clear(): void {
    this.#count = 0
    this.#file.rewriteFromStart()
  }

  /** Makes the file hold every entry, durably. */
  save(): Promise<void> {
    return this.#file.save(this.#count, (from, to) => {
      const bytes = Buffer.allocUnsafe((to - from) * entryBytes)
      for (let entry = from; entry < to; entry++) {
        const at = (entry - from) * entryBytes
        bytes.writeBigInt64BE(BigInt(this.timestamp(entry)), at)
        bytes.writeInt32BE(this.offset(entry), at + 8)
      }
      return bytes
    })
  }
}
