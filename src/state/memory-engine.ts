import assert from 'node:assert/strict'

import { KeyIndex } from './key-index.ts'
import type { Entry, KeyRange, StoreDatabase, StoreEngine, WriteOperation } from './store-engine.ts'

/**
 * Keeps databases in memory for as long as the engine itself lives: closing and opening one again finds its rows, as on
 * disk. For the test driver, the simulator, and stores whose state may be restored from the changelog at each start.
 */
export function memoryEngine(): MemoryEngine {
  const databases = new Map<string, SortedRows>()
  const open = new Set<string>()
  const sealed = new Set<string>()
  const openSync = (name: string): MemoryDatabase => {
    assert(!open.has(name), `database ${name} is open already`)
    open.add(name)
    const rows = databases.get(name) ?? new SortedRows()
    databases.set(name, rows)
    return memoryDatabase(rows, sealed.delete(name), seal => {
      open.delete(name)
      if (seal) sealed.add(name)
    })
  }
  return {
    openSync,
    open: async name => openSync(name),
    async destroy(name) {
      assert(!open.has(name), `database ${name} is still open`)
      databases.delete(name)
    },
  }
}

export interface MemoryEngine extends StoreEngine {
  open(name: string): Promise<MemoryDatabase>
  openSync(name: string): MemoryDatabase
}

/** A database that never waits. */
export interface MemoryDatabase extends StoreDatabase {
  entriesSync(range: KeyRange): Iterable<Entry>
  write(operations: readonly WriteOperation[]): undefined
}

function memoryDatabase(
  rows: SortedRows,
  sealed: boolean,
  closed: (sealed: boolean) => void,
): MemoryDatabase {
  return {
    sealed,
    get: key => rows.get(key),
    getMany: async keys => keys.map(key => rows.get(key)),
    entriesSync: range => rows.range(range),
    async *entries(range) {
      yield* rows.range(range)
    },
    write(operations) {
      for (const { key, value } of operations) rows.set(key, value)
      return undefined
    },
    async sync() {},
    async seal() {
      closed(true)
    },
    async close() {
      closed(false)
    },
  }
}

/** A hash map for single keys, beside the keys in order. Keys are latin1 strings, whose order is that of the bytes. */
class SortedRows {
  readonly #rows = new Map<string, Buffer>()
  readonly #keys = new KeyIndex()

  get(key: Buffer): Buffer | undefined {
    const value = this.#rows.get(key.toString('latin1'))
    return value === undefined ? undefined : Buffer.from(value)
  }

  set(key: Buffer, value: Buffer | null): void {
    const text = key.toString('latin1')
    if (value !== null) {
      if (!this.#rows.has(text)) this.#keys.add(text)
      this.#rows.set(text, value)
    } else if (this.#rows.delete(text)) this.#keys.delete(text)
  }

  range({ from, to, reverse }: KeyRange): Entry[] {
    const bounds = { from: from?.toString('latin1'), to: to?.toString('latin1'), reverse }
    const entries: Entry[] = []
    for (const key of this.#keys.range(bounds)) {
      const value = this.#rows.get(key)
      assert(value !== undefined)
      entries.push([Buffer.from(key, 'latin1'), Buffer.from(value)])
    }
    return entries
  }
}
