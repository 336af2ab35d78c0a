import { memoryEngine } from '../../src/state/memory-engine.ts'
import type { StoreDatabase, StoreEngine } from '../../src/state/store-engine.ts'

/** An engine in memory that works like one on disk: it waits, and may fail. `fault` is called before each
 * operation, at closing after it. */
export class FaultyEngine implements StoreEngine {
  fault: (operation: 'scan' | 'write' | 'sync' | 'close') => void = () => {}
  readonly #engine = memoryEngine()

  async open(name: string): Promise<StoreDatabase> {
    const database = await this.#engine.open(name)
    const fault: FaultyEngine['fault'] = operation => this.fault(operation)
    return {
      sealed: database.sealed,
      get: key => database.get(key),
      getMany: keys => database.getMany(keys),
      async *entries(range) {
        fault('scan')
        yield* database.entries(range)
      },
      async write(operations) {
        fault('write')
        database.write(operations)
      },
      async sync() {
        fault('sync')
      },
      seal: () => database.seal(),
      async close() {
        await database.close()
        fault('close')
      },
    }
  }

  destroy(name: string): Promise<void> {
    return this.#engine.destroy(name)
  }
}
