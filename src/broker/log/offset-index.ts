/**
 * Offset → position in the segment, sparse (Kafka: OffsetIndex). On disk each entry is `relativeOffset i32, position
 * i32`, big-endian, ascending: the *last* offset of a batch and where that batch begins. Held in memory as pairs;
 * what was added since the last `save` is written by the next one, because after a crash the part of the index above
 * the recovery point is rebuilt anyway.
 */
import type { Files } from '../../platform/platform.ts'
import { IndexFile } from './index-file.ts'

const entryBytes = 8

export class OffsetIndex {
  #entries = new Int32Array(64)
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
    let previousOffset = -1
    let previousPosition = 0
    for (let at = 0; at < content.length; at += entryBytes) {
      const offset = content.readInt32BE(at)
      const position = content.readInt32BE(at + 4)
      if (offset <= previousOffset || position <= previousPosition) {
        this.clear()
        return false
      }
      this.add(offset, position)
      previousOffset = offset
      previousPosition = position
    }
    return true
  }

  get count(): number {
    return this.#count
  }

  /** Number of entries whose offset is at most `relativeOffset`: the last of them is where to start looking. */
  countUpTo(relativeOffset: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.offset(middle) <= relativeOffset) low = middle + 1
      else high = middle
    }
    return low
  }

  offset(entry: number): number {
    return this.#entries[entry * 2] ?? -1
  }

  position(entry: number): number {
    return this.#entries[entry * 2 + 1] ?? -1
  }

  add(relativeOffset: number, position: number): void {
    if (this.#count * 2 === this.#entries.length) {
      const larger = new Int32Array(this.#entries.length * 2)
      larger.set(this.#entries)
      this.#entries = larger
    }
    this.#entries[this.#count * 2] = relativeOffset
    this.#entries[this.#count * 2 + 1] = position
    this.#count++
  }

  /** Drops the entries at and above the offset. */
  truncate(relativeOffset: number): void {
    const keep = this.countUpTo(relativeOffset - 1)
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
        bytes.writeInt32BE(this.offset(entry), (entry - from) * entryBytes)
        bytes.writeInt32BE(this.position(entry), (entry - from) * entryBytes + 4)
      }
      return bytes
    })
  }
}
