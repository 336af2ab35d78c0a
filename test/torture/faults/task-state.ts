import type { StoreDatabase, WriteOperation } from '../../../src/state/store-engine.ts'
import { newRow, sealRow } from '../../../src/state/stored-row.ts'
import { type ChangelogWriter, TaskState as RealTaskState } from '../../../src/state/task-state.ts'
import { faults } from './faults.ts'

export * from '../../../src/state/task-state.ts'

/** A task's stores which, with the planted bug, have rows on disk before the transaction they belong to is committed. */
export class TaskState extends RealTaskState {
  readonly #written: StoreDatabase

  constructor(...args: ConstructorParameters<typeof RealTaskState>) {
    super(...args)
    this.#written = args[1]
  }

  override prepareCommit(write: ChangelogWriter): ReturnType<RealTaskState['prepareCommit']> {
    if (faults.planted !== 'writes stores early') return super.prepareCommit(write)
    const early: WriteOperation[] = []
    const prepared = super.prepareCommit((topic, key, value, timestamp) => {
      write(topic, key, value, timestamp)
      const store = /-(\w+)-changelog$/.exec(topic)?.[1] ?? ''
      // Rows of windows lie elsewhere, and the others will do.
      if (store === 'windows' || value === null) return
      const prefix = Buffer.from(`${String.fromCodePoint(store.length)}${store}`)
      const row = newRow(value, timestamp)
      const databaseKey = Buffer.concat([prefix, key])
      sealRow(databaseKey, row)
      early.push({ key: databaseKey, value: row })
    })
    void this.#written.write(early)
    return prepared
  }
}
