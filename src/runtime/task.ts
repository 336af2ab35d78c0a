import assert from 'node:assert/strict'

import type {
  CommittedOffset,
  FetchedPartition,
  PartitionOffset,
  TopicPartition,
} from '../client/log-client.ts'
import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { CacheBudget, RecordCache } from '../state/record-cache.ts'
import type { TaskState } from '../state/task-state.ts'
import type { AsyncWork, ResolvedAsyncOptions } from '../topology/async-call.ts'
import type { HandOn, HeldUpdate } from '../topology/operator-context.ts'
import type {
  Cancellable,
  ProcessorMetadata,
  Punctuator,
  ScheduleOptions,
} from '../topology/processor.ts'
import { noHeaders, type RecordMetadata, type StreamRecord } from '../topology/record.ts'
import type { ResolvedTaskConfig } from '../topology/task-config.ts'
import { readsTopic, type SourceNode, type Subtopology } from '../topology/topology.ts'
import { AsyncCalls, type CallSurroundings } from './async-calls.ts'
import { closeAll } from './close-all.ts'
import type { CallScope } from './node-calls.ts'
import type { Collector, TopicCollector } from './record-collector.ts'
import { TaskMeasures } from './metrics/task-measures.ts'
import { RecordQueue } from './record-queue.ts'
import { type InputQueue, TaskInputs } from './task-inputs.ts'
import type { TaskNode, TaskScope } from './task-node.ts'
import {
  type InputAtWork,
  type InputRecord,
  keptInput,
  sentenceOf,
  TaskErrors,
  type UnwrittenOutput,
} from './task-errors.ts'
import { TaskCaches } from './task-caches.ts'
import { TaskPunctuations } from './task-punctuations.ts'
import { decodePartitionTime, TaskOffsetMetadata } from './task-offset-metadata.ts'
import type { SinkScope } from './task-sink.ts'
import { nodeCalled, wireNodes } from './wire-nodes.ts'

export interface TaskOptions {
  readonly applicationId: string
  /** `<sub-topology>_<partition>`, such as `0_3`. */
  readonly taskId: string
  /** Partition of the changelogs of the task's stores. */
  readonly partition: number
  readonly nodes: Subtopology['nodes']
  readonly stores: Subtopology['stores']
  /** The partitions to read, with the committed offsets to go on from. */
  readonly inputs: readonly TaskInput[]
  /** The task's stores, open and restored. */
  readonly state: TaskState
  readonly collector: Collector
  /** Stores that every task may read; undefined when there is none of that name. */
  readonly globalStore: (name: string) => unknown
  readonly config: ResolvedTaskConfig
  /** What updates of tables may fill while they wait for the next commit; without it they do not wait. */
  readonly cache?: CacheBudget | undefined
  /** The wall clock, in milliseconds since the Unix epoch. */
  readonly now: () => number
  /** For work that takes time. A task of global stores does none. */
  readonly calls?: CallSurroundings
  readonly logger: Logger
}

export interface TaskInput extends PartitionOffset {
  /** Metadata of the committed offset; empty when there is none. */
  readonly metadata: string
  /** Whether the group does not know of the position yet. */
  readonly isNew?: boolean
}

/**
 * One sub-topology at work on one partition of its inputs. Everything is synchronous: `process` takes records from the
 * queues, smallest event time first, and passes each through the whole sub-topology before it takes the next. Kafka
 * Streams' `StreamTask`.
 *
 * A commit is: `prepareCommit`, drain and send what the collector holds, commit the offsets it returned,
 * `completeCommit`. After an error the task is of no use any more: close it and make a new one.
 */
export class Task implements TaskScope, SinkScope, CallScope {
  readonly applicationId: string
  readonly taskId: string
  readonly state: TaskState
  readonly recordTime: TaskState['recordTime']
  /** Largest timestamp taken from any input, -1 before the first record. */
  streamTime = -1
  current: TaskNode | null = null
  heldMetadata: RecordMetadata | null | undefined
  readonly now: () => number
  readonly measures = new TaskMeasures()
  readonly #options: TaskOptions
  readonly #nodes: ReadonlyMap<string, TaskNode>
  readonly #inputs: TaskInputs
  /** Of each changelog topic, the partition with the task's number is the task's. */
  readonly #changelogs = new Map<string, TopicCollector>()
  /** Inputs that stores are restored from. */
  readonly #sourceTopics: ReadonlySet<string>
  /** How far the prepared transaction brings the stores in them. */
  #sourceOffsets: readonly PartitionOffset[] = []
  /** Next offsets of all inputs, as of the prepared transaction. */
  #preparedPosition: readonly PartitionOffset[]
  readonly #metadata: TaskOffsetMetadata
  readonly #caches: TaskCaches
  #running: InputAtWork | null = null
  #failure: unknown = null
  readonly #drops = new Map<string, number>()
  readonly #errors: TaskErrors
  readonly #punctuations = new TaskPunctuations(this)
  /** Work that takes time; null where no node does any. */
  #calls: AsyncCalls | null = null
  /** Punctuators may have forwarded records and written to stores since the last commit. */
  #hasPunctuated = false
  #commitRequested = false

  constructor(options: TaskOptions) {
    this.#options = options
    this.applicationId = options.applicationId
    this.taskId = options.taskId
    this.state = options.state
    this.recordTime = options.state.recordTime
    this.now = options.now
    this.#errors = new TaskErrors(options)
    this.#metadata = new TaskOffsetMetadata(options.inputs.map(({ metadata }) => metadata))
    this.streamTime = this.#metadata.partitionTime
    this.#preparedPosition = options.inputs
    const { stores, state, cache: budget } = options
    this.#caches = new TaskCaches({ stores, state, budget, scope: this })
    this.#nodes = wireNodes(options.nodes, options.collector, this)
    const { maxTaskIdleMs } = options.config
    this.#inputs = new TaskInputs(
      options.inputs.map(input => this.#newInput(input)),
      { maxTaskIdleMs, now: options.now },
    )
    this.#sourceTopics = new Set(options.stores.flatMap(({ sourceTopic }) => sourceTopic ?? []))
    for (const { changelogTopic: topic } of options.stores) {
      if (topic !== null) this.#changelogs.set(topic, options.collector.topic(topic))
    }
  }

  #newInput(input: TaskInput): InputQueue {
    const options = this.#options
    const source = sourceOf(options.nodes, input.topic)
    const partitionTime = decodePartitionTime(input.metadata)
    const surroundings = { ...options, errors: this.#errors }
    const queue = new RecordQueue(source, { ...input, partitionTime }, surroundings)
    if (input.isNew === true) queue.committedOffset = -1
    return { queue, node: nodeCalled(source.name, this.#nodes) }
  }

  /** One more partition to read: of a topic that a pattern matches, and that was not there when the task was made. */
  addInput(input: TaskInput): void {
    this.#inputs.addInput(this.#newInput(input))
  }

  /** The partitions that the task reads. */
  get inputs(): readonly RecordQueue[] {
    return this.#inputs.queues
  }

  /** Hands over what was fetched from an input. */
  add(fetched: FetchedPartition): void {
    this.#inputs.add(fetched)
  }

  /** Tells how far an input goes; a task waits for an input of which it does not know that it has all. */
  knowHighWatermark(end: PartitionOffset): void {
    this.#inputs.queue(end).knowHighWatermark(end.offset)
  }

  /** Bytes that were fetched from an input and not processed: pause it when they are many. */
  bufferedBytes(input: TopicPartition): number {
    return this.#inputs.queue(input).bufferedBytes
  }

  /**
   * Next offsets of the inputs: what comes before them is reflected in the stores, with the open transaction. While updates
   * wait in a cache, or for work that takes time, it is where the last commit began.
   */
  get position(): readonly PartitionOffset[] {
    if (!this.#caches.areEmpty || this.callsInFlight > 0) return this.#preparedPosition
    return this.#inputs.queues.map(({ topic, partition, nextOffset: offset }) => {
      return { topic, partition, offset }
    })
  }

  /** Inputs have moved on since the last commit, or punctuators were called. */
  get needsCommit(): boolean {
    return this.#hasPunctuated || this.#inputs.haveMoved
  }

  /** A processor asked for a commit, and there is something to commit. */
  get wantsCommit(): boolean {
    return this.#commitRequested && this.needsCommit
  }

  /** When `punctuateWallClock` has something to do, in milliseconds since the Unix epoch; Infinity for never. */
  get nextWallClockPunctuationMs(): number {
    return this.#punctuations.by('wallClock').nextMs
  }

  /** Whether the next call of `process` would process something. */
  get isReady(): boolean {
    return this.#inputs.next() !== null
  }

  /** Everything that was handed over is processed, and it is everything there is as far as anybody knows. */
  get isCaughtUp(): boolean {
    return this.#inputs.areCaughtUp && this.callsInFlight === 0
  }

  /**
   * Processes up to `maxRecords` records and returns how many there were; less when the inputs have no more for now, or
   * when `isExpired`, asked every few records, says that the slice is over.
   */
  process(maxRecords: number, isExpired: () => boolean = never): number {
    let processed = 0
    return this.#orFail(() => {
      while (processed < maxRecords) {
        if (this.#calls?.areFull === true) break
        const input = this.#inputs.next()
        if (input === null) break
        this.#processOne(input)
        processed++
        if (processed % recordsPerCheck === 0 && isExpired()) break
      }
      if (processed > 0) this.measures.endTurn(processed, this.now())
      return processed
    })
  }

  /** What fails here fails for good: a record that was taken from its queue would be lost if the task went on. */
  #orFail<T>(action: () => T): T {
    if (this.#failure !== null) throw this.#failure
    try {
      return action()
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  /** Whether nodes of the task do work that takes time. */
  get isAsync(): boolean {
    return this.#calls !== null
  }

  /** Records whose work has not ended: their offsets must not be committed. */
  get callsInFlight(): number {
    return this.#calls?.inFlight ?? 0
  }

  /** Attempts to do such work that are under way. */
  get callAttempts(): number {
    return this.#calls?.attempts ?? 0
  }

  /** Goes on with the results of work that has ended; returns the number of records that are done with. */
  completeCalls(): number {
    const calls = this.#calls
    return calls === null ? 0 : this.#orFail(() => calls.complete())
  }

  /**
   * Whether the task can commit: nothing is in flight, nor in a cache from where it would fly. A task that is not ready must
   * take no more input until it is.
   */
  isDrained(): boolean {
    if (this.#calls === null) return true
    if (this.callsInFlight > 0) return false
    this.#orFail(() => this.#caches.flush())
    return this.callsInFlight === 0
  }

  asyncCalls<R>(
    node: TaskNode,
    work: AsyncWork<R>,
    options: ResolvedAsyncOptions,
  ): (record: StreamRecord<unknown, unknown>) => void {
    const { calls: surroundings } = this.#options
    assert(surroundings !== undefined, `${node.nodeName} does work for which its task has no time`)
    this.#calls ??= new AsyncCalls(this, surroundings)
    const calls = this.#calls.of(node, work, options)
    return record => calls.add(record)
  }

  /** Calls the punctuators that are due by the wall clock, and says whether there were any. */
  punctuateWallClock(): boolean {
    if (this.#failure !== null) throw this.#failure
    const now = this.now()
    return now >= this.#punctuations.by('wallClock').nextMs && this.#punctuate('wallClock', now)
  }

  #punctuate(type: ScheduleOptions['type'], now: number): boolean {
    const call = (node: TaskNode, punctuator: Punctuator): void => {
      this.#hasPunctuated = true
      this.recordTime.timestamp = now
      node.punctuate(punctuator, now)
    }
    return this.#orFail(() => this.#punctuations.by(type).punctuate(now, call))
  }

  schedule(node: TaskNode, options: ScheduleOptions, punctuator: Punctuator): Cancellable {
    return this.#punctuations.schedule(node, options, punctuator)
  }

  requestCommit(): void {
    this.#commitRequested = true
  }

  /**
   * Ends the stores' transaction and puts its changelog records into the collector. Returns the offsets to commit for the
   * inputs, with the partition times as metadata.
   */
  prepareCommit(): CommittedOffset[] {
    this.#orFail(() => this.#caches.flush())
    assert(this.callsInFlight === 0, 'offsets of records that are not done with are not committed')
    this.#hasPunctuated = false
    this.#commitRequested = false
    const { partition } = this.#options
    this.state.prepareCommit((topic, key, value, timestamp) => {
      const changelog = this.#changelogs.get(topic)
      assert(changelog !== undefined)
      changelog.append(partition, key, value, timestamp, noHeaders)
    })
    const offsets = this.#inputs.queues.map(queue => {
      queue.committedOffset = queue.nextOffset
      const { topic, partition, nextOffset: offset } = queue
      return { topic, partition, offset, metadata: this.#metadata.encode(queue.partitionTime) }
    })
    this.#preparedPosition = offsets
    this.#sourceOffsets = offsets.filter(({ topic }) => this.#sourceTopics.has(topic))
    return offsets
  }

  isCached(store: string): boolean {
    return this.#caches.isCached(store)
  }

  cacheOf(node: TaskNode, store: string, handOn: HandOn): RecordCache<HeldUpdate> | undefined {
    return this.#caches.of(node, store, handOn)
  }

  as<T>(node: TaskNode | null, input: InputAtWork | null, timestamp: number, action: () => T): T {
    const { recordTime, current, heldMetadata } = this
    const { timestamp: before } = recordTime
    const running = this.#running
    this.current = node
    this.heldMetadata = undefined
    this.#running = input
    recordTime.timestamp = timestamp
    try {
      return action()
    } finally {
      this.current = current
      this.heldMetadata = heldMetadata
      this.#running = running
      recordTime.timestamp = before
    }
  }

  keepInput(): InputAtWork | null {
    const input = this.#inputAtWork()
    return input && keptInput(input)
  }

  /** Whether the partition is the task's share of the changelog of one of its stores. */
  isChangelog({ topic, partition }: TopicPartition): boolean {
    return partition === this.#options.partition && this.#changelogs.has(topic)
  }

  /**
   * Writes the stores, once the records and offsets of the commit are in the log, with the offsets up to which they then
   * reflect their topics: their changelogs, or the inputs of global stores. Inputs that stand for changelogs go without
   * saying. Over an engine that never waits it returns
   * undefined, and all is done.
   */
  completeCommit(checkpoints: readonly PartitionOffset[] = []): Promise<void> | undefined {
    return this.state.completeCommit(
      [...checkpoints, ...this.#sourceOffsets],
      this.#preparedPosition,
    )
  }

  /** Closes the processors and the stores; what was not committed is forgotten. */
  close(): Promise<void> {
    return this.#closeAnd(() => this.state.close())
  }

  /** The same, and removes the stores, which are damaged. */
  wipe(): Promise<void> {
    return this.#closeAnd(() => this.state.wipe())
  }

  #closeAnd(endState: () => Promise<void>): Promise<void> {
    this.#calls?.close()
    this.#caches.discard()
    const processors = [...this.#nodes.values()].map(
      ({ processor }) =>
        async () =>
          processor.close?.(),
    )
    return closeAll([...processors, endState], this.#options.logger)
  }

  closeProcessors(): void {
    this.#calls?.close()
    for (const node of this.#nodes.values()) node.processor.close?.()
  }

  /** Records that were not processed: late, without a key, or skipped. Kafka's `dropped-records-total`. */
  get droppedRecords(): number {
    let dropped = this.state.refusedPuts + this.#errors.dropped + this.#inputs.skipped
    for (const count of this.#drops.values()) dropped += count
    return dropped
  }

  /** Topics to which dead letters of the task were written. */
  get deadLetterTopics(): ReadonlySet<string> {
    return this.#errors.deadLetterTopics
  }

  get recordMetadata(): RecordMetadata | null {
    if (this.heldMetadata !== undefined) return this.heldMetadata
    const queue = this.#running
    if (queue === null) return null
    return { topic: queue.topic, partition: queue.partition, offset: queue.offset }
  }

  /** The input record at work; of one that was held back, only the place is known. */
  #inputAtWork(): InputAtWork | null {
    const held = this.heldMetadata
    const running = this.#running
    if (held === undefined || isAt(running, held)) return running
    if (held === null) return null
    const { timestamp: headTimestamp } = this.recordTime
    return { ...held, rawKey: null, rawValue: null, headTimestamp, headers: noHeaders }
  }

  metadata(name: string): ProcessorMetadata {
    return this.#metadata.number(name)
  }

  store(nodeName: string, storeName: string): unknown {
    const node = this.#options.nodes.find(({ name }) => name === nodeName)
    if (node?.kind === 'processor' && node.stores.includes(storeName)) {
      const store = this.state.store(storeName)
      if (store !== undefined) return store
    }
    const global = this.#options.globalStore(storeName)
    if (global !== undefined) return global
    throw new MillraceError(
      'UNKNOWN_STORE',
      `Processor ${nodeName} asked for the store ${storeName}, which is not connected to it. Connect the store to the processor, or check its name.`,
    )
  }

  drop(nodeName: string, reason: string): void {
    const before = this.#drops.get(nodeName) ?? 0
    this.#drops.set(nodeName, before + 1)
    const fields = { taskId: this.taskId, node: nodeName, reason, ...this.recordMetadata }
    // One warning a node: a stream of late records must not become a stream of warnings.
    if (before === 0) this.#options.logger.warn(fields, `${nodeName} drops records: ${reason}`)
    else this.#options.logger.debug(fields, `${nodeName} dropped a record: ${reason}`)
    const input = this.#running
    if (input === null || this.#inputAtWork() !== input) return
    const { headTimestamp: timestamp, headers } = input
    this.#errors.refused(reason, { nodeName, input, timestamp, headers })
  }

  processingFailed(error: unknown, nodeName: string, record: StreamRecord<unknown, unknown>): void {
    const { timestamp, headers } = record
    const sentence = this.#sentence(error, nodeName)
    const failure = { error, nodeName, input: this.#inputAtWork(), timestamp, headers, sentence }
    this.#errors.processingFailed(failure, record)
  }

  punctuationFailed(error: unknown, nodeName: string, timestamp: number): void {
    const sentence = this.#sentence(error, nodeName)
    const failure = { error, nodeName, input: null, timestamp, headers: noHeaders, sentence }
    this.#errors.processingFailed(failure, null)
  }

  productionFailed(nodeName: string, sentence: MillraceError, output: UnwrittenOutput): void {
    const { timestamp, headers } = output.record
    const error = sentence.cause
    const failure = { error, nodeName, input: this.#inputAtWork(), timestamp, headers, sentence }
    this.#errors.productionFailed(failure, output)
  }

  #sentence(error: unknown, nodeName: string): MillraceError {
    return sentenceOf(error, { nodeName, taskId: this.taskId, metadata: this.recordMetadata })
  }

  #processOne({ queue, node }: InputQueue): void {
    this.#inputs.tookNext()
    const record = queue.take()
    if (record.timestamp > this.streamTime) this.streamTime = record.timestamp
    this.measures.took(record.timestamp, this.streamTime)
    this.recordTime.timestamp = record.timestamp
    this.#running = queue
    try {
      node.process(record)
    } catch (error) {
      // What a sink right below the source could not do came here without a name.
      throw this.#sentence(error, node.nodeName)
    }
    this.#running = null
    const { streamTime } = this
    if (streamTime >= this.#punctuations.by('streamTime').nextMs)
      this.#punctuate('streamTime', streamTime)
  }
}

function isAt(queue: InputRecord | null, place: RecordMetadata | null): boolean {
  return (
    queue !== null &&
    place !== null &&
    queue.offset === place.offset &&
    queue.partition === place.partition &&
    queue.topic === place.topic
  )
}

/** Reading the clock costs as much as a cheap record. */
const recordsPerCheck = 8

const never = (): boolean => false

function sourceOf(nodes: TaskOptions['nodes'], topic: string): SourceNode {
  for (const node of nodes) if (node.kind === 'source' && readsTopic(node, topic)) return node
  return assert.fail(`no source reads topic ${topic}`)
}
