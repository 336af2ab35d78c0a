/**
 * Committed rows that were read or written lately, so that a busy key does not go to the database with each record: the
 * database is five times as slow as a map. Two generations: when the young one is full it becomes the old one, and the old
 * one is forgotten; a row that is found in the old one moves to the young one.
 */
export class RowCache {
  #young = new Map<string, Buffer>()
  #old = new Map<string, Buffer>()
  #youngBytes = 0

  get(key: string): Buffer | undefined {
    const row = this.#young.get(key)
    if (row !== undefined) return row
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, row: Buffer): void {
    this.#young.set(key, row)
    this.#youngBytes += key.length + row.length + overheadBytes
    if (this.#youngBytes < generationBytes) return
    this.#old = this.#young
    this.#young = new Map()
    this.#youngBytes = 0
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young = new Map()
    this.#old = new Map()
    this.#youngBytes = 0
  }
}

/** Of one store, so that a store holds twice this at most. */
const generationBytes = 2 * 1024 * 1024

/** What an entry costs beside its bytes, roughly: map slot, string and buffer objects. */
const overheadBytes = 200
