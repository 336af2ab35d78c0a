import { type MemoryDatabase, memoryEngine } from '../../src/state/memory-engine.ts'
import type { StoreEngine } from '../../src/state/store-engine.ts'

/**
 * A memory engine that outlives its process, as a disk does: after `crash` the handles of the old process have no effect
 * any more, and the databases, as of the last whole batch, can be opened again. `fault` is called before each batch and
 * may throw in its place.
 */
export class CrashableEngine implements StoreEngine {
  fault: (name: string) => void = () => {}
  /** Called when a database was closed in order; may throw. */
  closeFault: (name: string) => void = () => {}
  /** What a read finds in place of what was written. */
  damage: (row: Buffer) => Buffer = row => row
  readonly #engine = memoryEngine()
  #process = new Map<MemoryDatabase, string>()

  /** Names of the databases that the process has open. */
  get opened(): string[] {
    return [...this.#process.values()].sort()
  }

  async open(name: string): ReturnType<StoreEngine['open']> {
    const database = await this.#engine.open(name)
    const process = this.#process
    process.set(database, name)
    const isAlive = (): boolean => process === this.#process
    return {
      sealed: database.sealed,
      get: key => {
        const row = database.get(key)
        return row === undefined ? undefined : this.damage(row)
      },
      getMany: keys => database.getMany(keys),
      entries: range => database.entries(range),
      write: operations => {
        if (isAlive()) this.fault(name)
        if (isAlive()) database.write(operations)
        return undefined
      },
      sync: () => database.sync(),
      seal: async () => {
        if (!isAlive()) return
        process.delete(database)
        await database.seal()
        this.closeFault(name)
      },
      close: async () => {
        if (!isAlive()) return
        process.delete(database)
        await database.close()
      },
    }
  }

  async destroy(name: string): Promise<void> {
    await this.#engine.destroy(name)
  }

  async crash(): Promise<void> {
    const dead = this.#process
    this.#process = new Map()
    for (const database of dead.keys()) await database.close()
  }
}
