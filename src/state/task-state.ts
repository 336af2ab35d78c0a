import assert from 'node:assert/strict'

import type { FetchedPartition, PartitionOffset, TopicPartition } from '../client/log-client.ts'
import { partitionName } from '../client/partition-map.ts'
import { RecordReader } from '../protocol/record-batch-reader.ts'
import { ChangeBuffer } from './change-buffer.ts'
import { KeyValueStore } from './key-value-store.ts'
import { type MemoryDatabase, memoryEngine } from './memory-engine.ts'
import { plainKeyValueStore, plainWindowStore, type RecordTime } from './plain-stores.ts'
import { RecordBuffer } from './record-buffer.ts'
import { type CacheBudget, RecordCache } from './record-cache.ts'
import type { Isolation } from './row-reader.ts'
import { RowTable } from './row-table.ts'
import { SessionRows } from './session-store.ts'
import type { StoreDefinition, VersionedDefinition } from './store-definition.ts'
import type { StoreDatabase, StoreEngine, WriteOperation } from './store-engine.ts'
import { storeSerdes } from './store-serdes.ts'
import { newRow, rowValue } from './stored-row.ts'
import { asTaskError } from './task-corrupted.ts'
import {
  checkpointOperation,
  emptyMetadata,
  observedTimeOperation,
  positionOperation,
  type TaskMetadata,
  writeNumberOperation,
} from './task-metadata.ts'
import { UnmatchedRecords } from './unmatched-records.ts'
import { VersionedStore } from './versioned-store.ts'
import { WindowStore } from './window-store.ts'
import { isFlushDue } from './write-numbers.ts'

export interface TaskStateOptions {
  readonly engine: StoreEngine
  /** Name of the task and of its database, such as `0_3`. */
  readonly taskId: string
  readonly stores: readonly StoreDefinition[]
  /** Called when the database is closed, and in the end removed. */
  readonly onEnd?: (state: TaskState, end: 'closed' | 'wiped') => void
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
  readonly #onEnd: TaskStateOptions['onEnd']
  readonly #database: StoreDatabase
  /** Time of the record that is processed: whoever processes sets it. */
  readonly recordTime: RecordTime = { timestamp: 0 }
  readonly #stores = new Map<string, OpenStore>()
  readonly #timed: TimedStore[] = []
  readonly #changelogs = new Map<string, string>()
  readonly #checkpoints: Map<string, number>
  /** Topics of stores that are in memory: their checkpoints are not for the next start. */
  readonly #volatileTopics = new Set<string>()
  /** Largest times put, as they stand in the database. */
  readonly #observedTimes: Map<string, number>
  /** The same, as the prepared transaction leaves them. */
  #preparedTimes: ObservedTimes = []
  #lastWrite: number | null
  /** By partition. */
  readonly #position: Map<string, PartitionOffset>
  readonly #operationsToCome: WriteOperation[] = []
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
    this.#onEnd = options.onEnd
    this.#database = database
    this.#observedTimes = new Map(metadata.observedTimes)
    this.#lastWrite = numbersWrites ? metadata.lastWrite : null
    for (const definition of options.stores) this.#open(definition)
    // What is in memory alone begins anew.
    const isWhole = options.stores.every(({ inMemory }) => inMemory !== true)
    this.#position = new Map(isWhole ? metadata.position : [])
    this.#checkpoints = new Map(
      [...metadata.checkpoints].filter(([name]) => !this.#volatileTopics.has(topicOf(name))),
    )
  }

  #open(definition: StoreDefinition): void {
    const { name, changelogTopic, sourceTopic, inMemory = false } = definition
    const memory = inMemory ? memoryEngine().openSync(name) : null
    const tables: RowTable[] = []
    const newTable: NewTable = (ordered, part = '') => {
      const database = memory ?? this.#database
      const table = new RowTable(database, this.taskId, `${name}${part}`, ordered)
      tables.push(table)
      return table
    }
    // What is restored from the beginning goes through all times again.
    const observedTime = inMemory ? undefined : this.#observedTimes.get(name)
    const { rows, view = rows } = openStore(definition, newTable, observedTime, this.recordTime)
    this.#stores.set(name, { definition, rows, view, tables, memory })
    if (isTimed(rows)) this.#timed.push(rows)
    if (inMemory && sourceTopic !== undefined) this.#volatileTopics.add(sourceTopic)
    if (changelogTopic === null) return
    this.#changelogs.set(name, changelogTopic)
    if (inMemory) this.#volatileTopics.add(changelogTopic)
  }

  /** Learns the keys of the stores that are read by ranges: before anything else is done with them. */
  async load(): Promise<void> {
    for (const table of this.#tables()) await table.load()
  }

  /** The store of that name as the operators see it, or undefined. */
  store(name: string): unknown {
    return this.#stores.get(name)?.view
  }

  /** Its rows: as `store` where that has times, and with all that queries need. */
  rows(name: string): TaskStore | undefined {
    return this.#stores.get(name)?.rows
  }

  /** Largest time put into a store that forgets, -1 before the first; of the open transaction, or without it. */
  observedTime(name: string, isolation: Isolation): number {
    const rows = this.#stores.get(name)?.rows
    if (isolation === 'readUncommitted' && rows !== undefined && isTimed(rows)) {
      return rows.segments.observedTime
    }
    return this.#observedTimes.get(name) ?? -1
  }

  /** Whether a store is one for a cache. */
  isCached(name: string): boolean {
    const store = this.#stores.get(name)
    if (store === undefined || store.rows instanceof VersionedStore) return false
    return store.definition.caching !== false
  }

  /**
   * Has updates of a store wait in a cache, which hands them on with the rows that they replace, if the store is one for it:
   * versions all count. `valueOf` reads such a row.
   */
  cacheUpdates<U>(
    name: string,
    budget: CacheBudget,
    handOn: (update: U, before: Buffer | undefined, valueOf: (row: Buffer) => unknown) => void,
  ): RecordCache<U> | undefined {
    const store = this.#stores.get(name)
    if (store === undefined || store.definition.caching === false) return undefined
    if (store.rows instanceof VersionedStore) return undefined
    const serdes = storeSerdes(store.definition)
    const valueOf = (row: Buffer): unknown => serdes.value(rowValue(row))
    const { table } = store.rows
    const cache = new RecordCache<U>(budget, {
      handOn: (update, before) => handOn(update, before, valueOf),
      forget: key => table.forget(key),
    })
    table.cacheUpdates(cache)
    return cache
  }

  /** Puts that stores refused because they came too late. */
  get refusedPuts(): number {
    let refused = 0
    for (const { segments } of this.#timed) refused += segments.refused
    return refused
  }

  /**
   * Next offset of a topic to be applied to the stores: of a changelog, where restoring begins. Undefined before the first
   * commit or restored record: then from the beginning.
   */
  checkpoint(partition: TopicPartition): number | undefined {
    return this.#checkpoints.get(partitionName(partition))
  }

  /** Next offsets of the inputs: what comes before them is reflected in the stores, as committed. Empty where nobody knows. */
  get position(): readonly PartitionOffset[] {
    return [...this.#position.values()]
  }

  /** The stores were restored to where these input offsets were committed. They are written with what is written next. */
  knowPosition(inputs: readonly PartitionOffset[]): void {
    this.#advancePosition(inputs, this.#operationsToCome)
  }

  #advancePosition(inputs: readonly PartitionOffset[], operations: WriteOperation[]): void {
    for (const { topic, partition, offset } of inputs) {
      const name = partitionName({ topic, partition })
      if ((this.#position.get(name)?.offset ?? -1) >= offset) continue
      this.#position.set(name, { topic, partition, offset })
      operations.push(positionOperation({ topic, partition, offset }))
    }
  }

  /** The sum of the offsets that the stores are at: how much of their changelogs they have. */
  get offsetSum(): number {
    let sum = 0
    for (const offset of this.#checkpoints.values()) sum += offset
    return sum
  }

  /** The same for what the next start finds on disk. */
  get storedOffsetSum(): number {
    let sum = 0
    for (const [name, offset] of this.#checkpoints) {
      if (!this.#volatileTopics.has(topicOf(name))) sum += offset
    }
    return sum
  }

  /**
   * Applies records of a changelog, or of the topic that stands for it, to its store, up to the
   * offset `end`, and moves the checkpoint to `nextOffset` in the same write. Returns how many records there were. Only while
   * no transaction is open.
   */
  async restore(storeName: string, fetched: FetchedPartition, end = Infinity): Promise<number> {
    const store = this.#stores.get(storeName)
    assert(store !== undefined, `task ${this.taskId} has no store ${storeName}`)
    const { rows, tables, memory } = store
    assert(!tables.some(table => table.isDirty), 'restore while a transaction is open')
    const operations: WriteOperation[] = []
    const reader = this.#reader
    reader.reset(fetched.batches)
    let records = 0
    while (reader.next() && reader.offset < end) {
      if (reader.offset < fetched.offset || reader.isControl || reader.key === null) continue
      records++
      if (rows instanceof VersionedStore) rows.replay(reader.key, reader.value, reader.timestamp)
      else {
        const row = reader.value === null ? null : newRow(reader.value, reader.timestamp)
        operations.push(rows.table.restored(rows.restoredKey(reader.key, row === null), row))
      }
    }
    for (const table of tables) {
      table.prepare()
      table.operations(operations)
    }
    if (memory !== null) memory.write(operations.splice(0))
    const { topic, partition, nextOffset } = fetched
    this.#advance(
      [{ topic, partition, offset: Math.min(nextOffset, end) }],
      this.#openTimes(),
      operations,
    )
    await this.#write(operations)
    for (const table of tables) {
      table.committed()
      table.overwritten()
    }
    if (isTimed(rows)) rows.segments.forgetDeleted()
    return records
  }

  /** Ends the transaction and hands its changes to the changelogs of the stores that have one. */
  prepareCommit(write: ChangelogWriter): void {
    this.#preparedTimes = this.#openTimes()
    for (const [name, { rows }] of this.#stores) {
      const topic = this.#changelogs.get(name)
      if (rows instanceof VersionedStore) {
        for (const table of rows.tables) table.prepare()
        for (const { key, value, timestamp } of rows.takeChanges()) {
          if (topic !== undefined) write(topic, key, value, timestamp)
        }
        continue
      }
      if ('beforeCommit' in rows) rows.beforeCommit()
      for (const { key, row, timestamp } of rows.table.prepare()) {
        if (topic === undefined) continue
        const changelogKey = rows.changelogKey(rows.table.storeKey(key))
        write(topic, changelogKey, row === null ? null : rowValue(row), timestamp)
      }
    }
  }

  /**
   * Writes the prepared rows, with the offsets up to which the stores now reflect their topics and the task's inputs. Over an
   * engine that never waits it returns undefined, and all is done.
   */
  completeCommit(
    checkpoints: readonly PartitionOffset[],
    inputs: readonly PartitionOffset[] = [],
  ): Promise<void> | undefined {
    const operations: WriteOperation[] = []
    let puts = 0
    for (const { tables, memory } of this.#stores.values()) {
      const before = operations.length
      for (const table of tables) table.operations(operations)
      puts += countPuts(operations, before)
      if (memory !== null) memory.write(operations.splice(before))
    }
    const limit = Math.max(puts, minDeletions)
    this.#advance(checkpoints, this.#preparedTimes, operations)
    this.#advancePosition(inputs, operations)
    const written = operations.length === 0 ? undefined : this.#write(operations)
    if (written !== undefined) return this.#completeLater(written, limit)
    this.#committed()
    return this.#deleteExpired(limit)
  }

  async #completeLater(written: Promise<void>, limit: number): Promise<void> {
    await written
    this.#committed()
    await this.#deleteExpired(limit)
  }

  /**
   * Looks for rows that have expired with this commit, too, and has the next one delete them: then their tombstones reach
   * the changelog in order, and before the database forgets the rows.
   */
  #deleteExpired(limit: number): Promise<void> | undefined {
    let deleted: Promise<void> | undefined
    for (const { name, segments } of this.#timed) {
      const time = this.#observedTimes.get(name) ?? -1
      if (deleted === undefined) deleted = segments.deleteExpired(time, limit)
      else deleted = deleted.then(() => segments.deleteExpired(time, limit))
    }
    return deleted
  }

  /** Closes the database, complete and durable. What was not committed is forgotten. */
  async close(): Promise<void> {
    try {
      await this.#database.seal()
    } finally {
      this.#onEnd?.(this, 'closed')
    }
  }

  /** Closes and removes the database. The stores must be opened and restored anew. */
  async wipe(): Promise<void> {
    try {
      await this.#database.close()
      await this.#engine.destroy(this.taskId)
    } finally {
      this.#onEnd?.(this, 'wiped')
    }
  }

  #write(operations: WriteOperation[]): Promise<void> | undefined {
    operations.push(...this.#operationsToCome.splice(0))
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
      if (this.#volatileTopics.has(checkpoint.topic)) continue
      operations.push(checkpointOperation(checkpoint))
    }
    for (const [store, time] of times) {
      if (this.#observedTimes.get(store) === time) continue
      this.#observedTimes.set(store, time)
      operations.push(observedTimeOperation(store, time))
    }
  }

  #openTimes(): ObservedTimes {
    return this.#timed.map(({ name, segments }) => [name, segments.observedTime])
  }

  #committed(): void {
    for (const table of this.#tables()) table.committed()
  }

  *#tables(): Iterable<RowTable> {
    for (const { tables } of this.#stores.values()) yield* tables
  }
}

interface OpenStore {
  readonly definition: StoreDefinition
  readonly rows: TaskStore
  /** The same for operators: the interface that the kind promises. */
  readonly view: unknown
  readonly tables: readonly RowTable[]
  /** Holds the rows if they are in memory alone. */
  readonly memory: MemoryDatabase | null
}

type TaskStore = KeyValueStore | TimedStore | UnmatchedRecords | RecordBuffer | ChangeBuffer

/** A store that forgets. */
type TimedStore = WindowStore | SessionRows | VersionedStore

const isTimed = (store: TaskStore): store is TimedStore => 'segments' in store

/** `observedTime` is the largest time that was put into the store, undefined before the first. */
function openStore(
  definition: StoreDefinition,
  newTable: NewTable,
  observedTime: number | undefined,
  now: RecordTime,
): { rows: TaskStore; view?: unknown } {
  // No name of a store has a slash in it, so no other store has the name of a part.
  if (definition.kind === 'versionedKeyValue') {
    const tables = [newTable(false), newTable(true, '/history')] as const
    return { rows: new VersionedStore(definition, tables, observedTime) }
  }
  const table = newTable(isOrdered(definition))
  switch (definition.kind) {
    case 'timestampedKeyValue':
      return { rows: new KeyValueStore(definition, table) }
    case 'keyValue': {
      const rows = new KeyValueStore(definition, table)
      return { rows, view: plainKeyValueStore(rows, now) }
    }
    case 'timestampedWindow':
      return { rows: new WindowStore(definition, table, observedTime) }
    case 'window': {
      const rows = new WindowStore(definition, table, observedTime)
      return { rows, view: plainWindowStore(rows, now) }
    }
    case 'session':
      return { rows: new SessionRows(definition, table, observedTime) }
    case 'unmatchedRecords':
      return { rows: new UnmatchedRecords(definition, table) }
    case 'recordBuffer':
      return { rows: new RecordBuffer(definition, table) }
    case 'changeBuffer':
      return { rows: new ChangeBuffer(definition, table) }
    default:
      return definition satisfies never
  }
}

/** Makes a table of the store, of which a store of several says which part it is. */
type NewTable = (ordered: boolean, part?: string) => RowTable

/** Whether the table keeps its keys in memory. */
function isOrdered(definition: Exclude<StoreDefinition, VersionedDefinition>): boolean {
  switch (definition.kind) {
    case 'keyValue':
    case 'timestampedKeyValue':
      return definition.ordered === true || definition.maxEntries !== undefined
    case 'window':
    case 'timestampedWindow': {
      const { ordered = false, retainDuplicates = false, timeIndex = false } = definition
      return ordered || retainDuplicates || timeIndex
    }
    case 'session':
    case 'unmatchedRecords':
    case 'recordBuffer':
    case 'changeBuffer':
      return true
    default:
      return definition satisfies never
  }
}

const topicOf = (partition: string): string => partition.slice(0, partition.lastIndexOf('-'))

type ObservedTimes = readonly (readonly [store: string, time: number])[]

/**
 * Expired rows deleted per store and commit: this many, or as many as the commit wrote if those were more. So a commit
 * stays short when a large segment expires, and deleting keeps pace with writing.
 */
const minDeletions = 10_000

function countPuts(operations: readonly WriteOperation[], from: number): number {
  let puts = 0
  for (let at = from; at < operations.length; at++) if (operations[at]?.value !== null) puts++
  return puts
}
