/**
 * The aborted transactions whose markers are in one segment, which readers of committed data must leave out (Kafka:
 * TransactionIndex, AbortedTxn). The file is there once there is one; each entry is `version i16 (0), producerId i64,
 * firstOffset i64, lastOffset i64, lastStableOffset i64`, big-endian, in the order of the markers. It is made anew from the
 * log when it is not what it should be.
 */
import type { Files } from '../../platform/platform.ts'
import { readInt64, writeInt64 } from '../../protocol/int64.ts'
import { type AbortedSeal, checksumOf } from './checkpoint.ts'
import { IndexFile } from './index-file.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
  /** Offset of the marker. */
  readonly lastOffset: number
  /** The last stable offset once the marker was written: no earlier transaction is aborted later than this one. */
  readonly lastStableOffset: number
}

const entryBytes = 34
const version = 0

export class AbortedTransactions {
  #entries: AbortedTransaction[] = []
  /** Of so many entries as it was last asked for. */
  #seal: AbortedSeal | undefined
  readonly #file: IndexFile
  readonly #exists: () => boolean

  constructor(files: Files, path: string) {
    this.#file = new IndexFile(files, path, entryBytes)
    this.#exists = () => files.size(path) !== undefined
  }

  get all(): readonly AbortedTransaction[] {
    return this.#entries
  }

  /** Reads the file; false when it is not a file of such entries for markers of [from, to). None is an empty one. */
  load(from: number, to: number): boolean {
    this.#entries = []
    this.#seal = undefined
    if (!this.#exists()) return true
    const content = this.#file.load()
    if (content === undefined) return false
    let least = from
    for (let at = 0; at < content.length; at += entryBytes) {
      const entry = {
        producerId: content.readBigInt64BE(at + 2),
        firstOffset: readInt64(content, at + 10),
        lastOffset: readInt64(content, at + 18),
        lastStableOffset: readInt64(content, at + 26),
      }
      const { firstOffset, lastOffset } = entry
      const isSound = content.readInt16BE(at) === version && firstOffset >= 0
      if (!isSound || firstOffset > lastOffset || lastOffset < least || lastOffset >= to) {
        this.clear()
        return false
      }
      this.#entries.push(entry)
      least = lastOffset + 1
    }
    return true
  }

  /** The place in `all` of the first whose marker is at or above the offset. */
  firstSince(offset: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle]?.lastOffset ?? offset) < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  add(entry: AbortedTransaction): void {
    this.#entries.push(entry)
  }

  /** What the checkpoint notes of the entries whose markers are below the offset. */
  sealBelow(offset: number): AbortedSeal {
    const { length } = this.#entries
    const above = this.#entries.findIndex(entry => entry.lastOffset >= offset)
    const count = above < 0 ? length : above
    if (this.#seal?.count !== count) {
      const checksum = checksumOf(encodeAborted(this.#entries.slice(0, count)))
      this.#seal = { count, checksum }
    }
    return this.#seal
  }

  /** Drops those whose markers are at or above the offset. */
  truncate(offset: number): void {
    const kept = this.#entries.filter(entry => entry.lastOffset < offset)
    if (kept.length < this.#entries.length) this.#file.rewriteFromStart()
    this.#entries = kept
    this.#seal = undefined
  }

  clear(): void {
    this.restart([])
  }

  /** These instead of what was known. */
  restart(entries: readonly AbortedTransaction[]): void {
    this.#entries = [...entries]
    this.#seal = undefined
    this.#file.rewriteFromStart()
  }

  /** Makes the file hold every entry, durably. */
  async save(): Promise<void> {
    if (this.#entries.length === 0 && !this.#exists()) return
    await this.#file.save(this.#entries.length, (from, to) =>
      encodeAborted(this.#entries.slice(from, to)),
    )
  }
}

export function encodeAborted(transactions: readonly AbortedTransaction[]): Buffer {
  const bytes = Buffer.alloc(transactions.length * entryBytes)
  transactions.forEach((transaction, n) => {
    const at = n * entryBytes
    bytes.writeInt16BE(version, at)
    bytes.writeBigInt64BE(transaction.producerId, at + 2)
    writeInt64(bytes, transaction.firstOffset, at + 10)
    writeInt64(bytes, transaction.lastOffset, at + 18)
    writeInt64(bytes, transaction.lastStableOffset, at + 26)
  })
  return bytes
}
