import assert from 'node:assert/strict'

import type { FetchedPartition, PartitionOffset, TopicPartition } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import { KeyValueStore } from './key-value-store.ts'
import { memoryEngine } from './memory-engine.ts'
import { RowTable } from './row-table.ts'
import type { StoreDefinition } from './store-definition.ts'
import type { StoreDatabase, StoreEngine, WriteOperation } from './store-engine.ts'
import { newRow, rowValue, sealRow } from './stored-row.ts'
import { asTaskError } from './task-corrupted.ts'
import {
  checkpointOperation,
  emptyMetadata,
  observedTimeOperation,
  type TaskMetadata,
  writeNumberOperation,
} from './task-metadata.ts'
import { WindowStore } from './window-store.ts'
import { isFlushDue } from './write-numbers.ts'

export interface TaskStateOptions {
  readonly engine: StoreEngine
  /** Name of the task and of its database, such as `0_3`. */
  readonly taskId: string
  readonly stores: readonly StoreDefinition[]
}

/** The stores of a task over a new database that never waits: for tests, where nothing is restored. */
export function newTaskState(taskId: string, stores: readonly StoreDefinition[]): TaskState {
  const engine = memoryEngine()
  return new TaskState({ engine, taskId, stores }, engine.openSync(taskId), emptyMetadata, false)
}

/** Receives the changes of a commit, as records of the stores' changelog topics. */
export type ChangelogWriter = (
  topic: string,
  key: Buffer,
  value: Buffer | null,
  timestamp: number,
) => void

/**
 * The stores of one task, and the transaction over them. A commit is `prepareCommit`, which ends the transaction and hands
 * its changes to the changelog (one record per changed key, in the order of the last writes), and `completeCommit`, which
 * writes the rows and the checkpoints they bring the stores to in one batch. In between, the records and the input
 * offsets become durable in the log. So a crash leaves the database at most one commit behind its changelog, and what is
 * missing is restored from the checkpoint on.
 */
export class TaskState {
  readonly taskId: string
  readonly #engine: StoreEngine
  readonly #database: StoreDatabase
  readonly #stores = new Map<string, TaskStore>()
  readonly #windowStores: WindowStore[] = []
  readonly #changelogs = new Map<string, string>()
  readonly #checkpoints: Map<string, number>
  /** Largest window starts, as they stand in the database. */
  readonly #observedTimes: Map<string, number>
  /** The same, as the prepared transaction leaves them. */
  #preparedTimes: ObservedTimes = []
  #lastWrite: number | null
  // Checksums are the consumer's business.
  readonly #reader = new RecordReader({ checkCrc: false })

  /** Writes need no numbers where none can get lost. */
  constructor(
    options: TaskStateOptions,
    database: StoreDatabase,
    metadata: TaskMetadata,
    numbersWrites = true,
  ) {
    this.taskId = options.taskId
    this.#engine = options.engine
    this.#database = database
    this.#checkpoints = new Map(metadata.checkpoints)
    this.#observedTimes = new Map(metadata.observedTimes)
    this.#lastWrite = numbersWrites ? metadata.lastWrite : null
    for (const definition of options.stores) {
      const { name, changelogTopic } = definition
      const table = new RowTable(database, this.taskId, name)
      const store = makeStore[definition.kind](definition, table, this.#observedTimes.get(name))
      this.#stores.set(name, store)
      if (store instanceof WindowStore) this.#windowStores.push(store)
      if (changelogTopic !== null) this.#changelogs.set(name, changelogTopic)
    }
  }

  /** The store of that name, or undefined. */
  store(name: string): TaskStore | undefined {
    return this.#stores.get(name)
  }

  /** Puts that window stores refused because they came too late. */
  get refusedPuts(): number {
    let refused = 0
    for (const store of this.#windowStores) refused += store.refused
    return refused
  }

  /**
   * Next offset of a topic to be applied to the stores: of a changelog, where restoring begins. Undefined before the first
   * commit or restored record: then from the beginning.
   */
  checkpoint(partition: TopicPartition): number | undefined {
    return this.#checkpoints.get(partitionName(partition))
  }

  /**
   * Applies records of a changelog to its store, and moves the checkpoint to `nextOffset` in the same write. Returns how
   * many records there were. Only while no transaction is open.
   */
  async restore(storeName: string, fetched: FetchedPartition): Promise<number> {
    const store = this.#stores.get(storeName)
    assert(store !== undefined, `task ${this.taskId} has no store ${storeName}`)
    assert(!store.table.isDirty, 'restore while a transaction is open')
    const operations: WriteOperation[] = []
    const reader = this.#reader
    reader.reset(fetched.batches)
    let records = 0
    while (reader.next()) {
      if (reader.offset < fetched.offset || reader.isControl || reader.key === null) continue
      records++
      const key = store.table.databaseKey(store.restoredKey(reader.key))
      const row = reader.value === null ? null : newRow(reader.value, reader.timestamp)
      if (row !== null) sealRow(key, row)
      operations.push({ key, value: row })
    }
    const { topic, partition, nextOffset } = fetched
    this.#advance([{ topic, partition, offset: nextOffset }], this.#openTimes(), operations)
    await this.#write(operations)
    store.table.overwritten()
    if (store instanceof WindowStore) store.forgetDeleted()
    return records
  }

  /** Ends the transaction and hands its changes to the changelogs of the stores that have one. */
  prepareCommit(write: ChangelogWriter): void {
    this.#preparedTimes = this.#openTimes()
    for (const [name, store] of this.#stores) {
      const topic = this.#changelogs.get(name)
      for (const { key, row, timestamp } of store.table.prepare()) {
        if (topic === undefined) continue
        const changelogKey = store.changelogKey(store.table.storeKey(key))
        write(topic, changelogKey, row === null ? null : rowValue(row), timestamp)
      }
    }
  }

  /**
   * Writes the prepared rows, with the offsets up to which the stores now reflect their topics. Over an engine that never
   * waits it returns undefined, and all is done.
   */
  completeCommit(checkpoints: readonly PartitionOffset[]): Promise<void> | undefined {
    const operations: WriteOperation[] = []
    for (const store of this.#stores.values()) store.table.operations(operations)
    const limit = Math.max(countPuts(operations), minDeletions)
    this.#advance(checkpoints, this.#preparedTimes, operations)
    if (operations.length === 0) return undefined
    const written = this.#write(operations)
    if (written !== undefined || this.#database.entriesSync === undefined) {
      return this.#completeLater(written, limit)
    }
    this.#committed()
    for (const store of this.#windowStores) {
      store.deleteExpiredSync(this.#committedTime(store), limit)
    }
    return undefined
  }

  /**
   * Looks for rows that have expired with this commit, too, and has the next one delete them: then their tombstones reach
   * the changelog in order, and before the database forgets the rows.
   */
  async #completeLater(written: Promise<void> | undefined, limit: number): Promise<void> {
    await written
    this.#committed()
    for (const store of this.#windowStores) {
      await store.deleteExpired(this.#committedTime(store), limit)
    }
  }

  /** Closes the database, complete and durable. What was not committed is forgotten. */
  async close(): Promise<void> {
    await this.#database.seal()
  }

  /** Closes and removes the database. The stores must be opened and restored anew. */
  async wipe(): Promise<void> {
    await this.#database.close()
    await this.#engine.destroy(this.taskId)
  }

  #write(operations: WriteOperation[]): Promise<void> | undefined {
    const write = this.#lastWrite === null ? null : ++this.#lastWrite
    if (write !== null) operations.push(writeNumberOperation(write))
    const written = this.#database.write(operations)
    if (written === undefined) return undefined
    return this.#written(written, write !== null && isFlushDue(write))
  }

  async #written(written: Promise<void>, flush: boolean): Promise<void> {
    try {
      await written
      if (flush) await this.#database.sync()
    } catch (error) {
      throw asTaskError(error, `The database of task ${this.taskId}`)
    }
  }

  #advance(
    checkpoints: readonly PartitionOffset[],
    times: ObservedTimes,
    operations: WriteOperation[],
  ): void {
    for (const checkpoint of checkpoints) {
      const name = partitionName(checkpoint)
      if (this.#checkpoints.get(name) === checkpoint.offset) continue
      this.#checkpoints.set(name, checkpoint.offset)
      operations.push(checkpointOperation(checkpoint))
    }
    for (const [store, time] of times) {
      if (this.#observedTimes.get(store) === time) continue
      this.#observedTimes.set(store, time)
      operations.push(observedTimeOperation(store, time))
    }
  }

  #openTimes(): ObservedTimes {
    return this.#windowStores.map(({ name, observedTime }) => [name, observedTime])
  }

  #committed(): void {
    for (const store of this.#stores.values()) store.table.committed()
  }

  #committedTime({ name }: WindowStore): number {
    return this.#observedTimes.get(name) ?? -1
  }
}

type TaskStore = KeyValueStore | WindowStore

/** Makes a store over its rows; `observedTime` is the largest time that was put into it, undefined before the first. */
type StoreMaker = (
  definition: StoreDefinition,
  table: RowTable,
  observedTime: number | undefined,
) => TaskStore

const makeStore: Readonly<Record<StoreDefinition['kind'], StoreMaker>> = {
  timestampedKeyValue: (definition, table) => new KeyValueStore(definition, table),
  timestampedWindow: (definition, table, observedTime) =>
    new WindowStore(definition, table, observedTime),
}

type ObservedTimes = readonly (readonly [store: string, time: number])[]

/**
 * Expired rows deleted per store and commit: this many, or as many as the commit wrote if those were more. So a commit
 * stays short when a large segment expires, and deleting keeps pace with writing.
 */
const minDeletions = 10_000

function countPuts(operations: readonly WriteOperation[]): number {
  let puts = 0
  for (const { value } of operations) if (value !== null) puts++
  return puts
}
