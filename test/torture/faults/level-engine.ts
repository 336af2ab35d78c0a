import { levelEngine as engineOf } from '../../../src/state/level-engine.ts'
import type { StoreEngine } from '../../../src/state/store-engine.ts'
import { pass } from './faults.ts'

export * from '../../../src/state/level-engine.ts'

/** Stores whose writes are kill points. */
export function levelEngine(...args: Parameters<typeof engineOf>): StoreEngine {
  const engine = engineOf(...args)
  return {
    destroy: name => engine.destroy(name),
    async open(name) {
      const database = await engine.open(name)
      const write = database.write.bind(database)
      database.write = async operations => {
        pass('before the store is written')
        await write(operations)
        pass('after the store is written')
      }
      return database
    },
  }
}
