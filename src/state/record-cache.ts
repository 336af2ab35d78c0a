import assert from 'node:assert/strict'

/** What the caches of an instance share: how many bytes they may hold together, and do. */
export interface CacheBudget {
  readonly maxBytes: number
  bytes: number
}

/** Undefined when nothing may be held: then there are no caches. */
export function newCacheBudget(maxBytes: number): CacheBudget | undefined {
  return maxBytes > 0 ? { maxBytes, bytes: 0 } : undefined
}

/**
 * The updates of a store that were not handed on yet: of each row the last one, in the order of the last writes. The rows
 * themselves are in the open transaction, where everybody sees them; what is kept here is what they were before, which is the
 * old value of the update, and what is to be handed on. Kafka Streams' `NamedCache` with `CachingKeyValueStore`.
 *
 * When the budget is used up, all updates of the store that was written last are handed on. Kafka Streams' caches hold rows
 * that were read, too, and fill up earlier for it.
 */
export class RecordCache<U> {
  readonly #budget: CacheBudget
  readonly #store: CachedStore<U>
  /** By the key's bytes as latin1. */
  #held = new Map<string, Held<U>>()
  #bytes = 0
  #lastWritten: Held<U> | null = null

  constructor(budget: CacheBudget, store: CachedStore<U>) {
    this.#budget = budget
    this.#store = store
  }

  get isEmpty(): boolean {
    return this.#held.size === 0
  }

  /** Whether the row was written since the last flush. */
  has(key: string): boolean {
    return this.#held.has(key)
  }

  /**
   * Hears of the first write of a row since the last flush: what it was, and whether the open transaction has an earlier write
   * of it.
   */
  add(key: string, before: Buffer | undefined, isOpen: boolean): void {
    this.#held.set(key, { before, isOpen, isDeleted: false, bytes: 0, update: undefined })
  }

  /** Hears of each write. */
  written(key: string, row: Buffer | null): void {
    const held = this.#held.get(key)
    assert(held !== undefined, 'a row is written that was not added to the cache')
    this.#held.delete(key)
    this.#held.set(key, held)
    const bytes = key.length + (row === null ? 0 : row.length) + overheadBytes
    this.#grow(bytes - held.bytes)
    held.bytes = bytes
    held.isDeleted = row === null
    this.#lastWritten = held
  }

  /** Holds what is to be handed on for the row that was just written. False when none was: the store has refused it. */
  hold(update: U): boolean {
    const held = this.#lastWritten
    if (held === null) return false
    this.#lastWritten = null
    held.update = update
    if (this.#budget.bytes > this.#budget.maxBytes) this.flush()
    return true
  }

  /** Hands all updates on. Says whether there were any. */
  flush(): boolean {
    const held = this.#held
    if (held.size === 0) return false
    this.discard()
    for (const [key, { update, before, isDeleted, isOpen }] of held) {
      // What came and went since the last flush leaves nothing, in the changelog neither.
      if (isDeleted && before === undefined) {
        if (!isOpen) this.#store.forget(key)
      } else if (update !== undefined) this.#store.handOn(update, before)
    }
    return true
  }

  /** Forgets all updates. */
  discard(): void {
    this.#held = new Map()
    this.#lastWritten = null
    this.#grow(-this.#bytes)
  }

  #grow(bytes: number): void {
    this.#bytes += bytes
    this.#budget.bytes += bytes
  }
}

/** What a cache does with the updates that it held. */
export interface CachedStore<U> {
  /** Hands on an update, with the row that it has replaced. */
  handOn(update: U, before: Buffer | undefined): void
  /** Takes back that a row was deleted which never was there. */
  forget(key: string): void
}

interface Held<U> {
  readonly before: Buffer | undefined
  readonly isOpen: boolean
  isDeleted: boolean
  bytes: number
  /** Undefined where somebody else than the table's operator wrote the row: that is handed on to nobody. */
  update: U | undefined
}

/** What an update costs beside the row, roughly: map slot, string and objects. */
const overheadBytes = 200
