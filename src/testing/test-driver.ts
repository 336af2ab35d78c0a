import assert from 'node:assert/strict'

import { MillraceError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import type { TopicPartition } from '../client/log-client.ts'
import { globalStoreView } from '../runtime/global-store-view.ts'
import type { PartitionPlan } from '../runtime/partition-plan.ts'
import { Task } from '../runtime/task.ts'
import { globalPart, globalTaskId, type TaskPart, wholePart } from '../runtime/topology-parts.ts'
import { KeyValueStore } from '../state/key-value-store.ts'
import { newCacheBudget } from '../state/record-cache.ts'
import { newTaskState } from '../state/task-state.ts'
import { SessionRows } from '../state/session-store.ts'
import { VersionedStore } from '../state/versioned-store.ts'
import { WindowStore } from '../state/window-store.ts'
import type { TaskConfig } from '../topology/task-config.ts'
import { readsTopic, type SourceNode, topicsOfSink, type Topology } from '../topology/topology.ts'
import { TestInputTopic, type TopicSerdes } from './test-input-topic.ts'
import {
  type TestKeyValueStore,
  testKeyValueStore,
  type TestSessionStore,
  testSessionStore,
  type TestVersionedStore,
  testVersionedStore,
  type TestWindowStore,
  testWindowStore,
} from './test-stores.ts'
import { partitionTopology, type TestPartitions } from './test-partitions.ts'
import { defaultPatienceMs, TestTime } from './test-time.ts'
import { TestOutputTopic } from './test-output-topic.ts'
import { type BytesRecord, type ProducedRecord, type TestTopic, TestTopics } from './test-topics.ts'
import { taskConfigOf, topologyOf, type TopologySource } from './topology-source.ts'

/**
 * How a driver begins. Of a `TaskConfig` that is given here, each member overrules that of the app.
 */
export interface TestDriverOptions extends TaskConfig {
  /** Where the driver's clock starts, in milliseconds since the Unix epoch. @defaultValue 0 */
  readonly startTimeMs?: number
  /**
   * Partitions of each topic that the topology reads or writes; or by name, one where nothing is said. There are tasks for
   * partitions and sub-topologies then, as in production, and records go to the partition that their key's hash gives.
   * @defaultValue none: one task for everything
   */
  readonly partitions?: TestPartitions
  /** @defaultValue silent */
  readonly logger?: Logger
}

/**
 * How a driver waits for work that takes time.
 */
export interface SettleOptions {
  /** How long a call may really take, in milliseconds, before it is taken for one that never ends. @defaultValue 1000 */
  readonly patienceMs?: number
}

/**
 * Runs a topology in this process, without a log, on a clock that moves only when it is told to: each piped record is
 * processed at once with all that follows from it, and everything is committed, before `pipe` returns; what takes time ends in `settle`. Unless `partitions`
 * are given, all sub-topologies run as one task and every topic has one partition, as in Kafka Streams' `TopologyTestDriver`.
 * Global tables are updated directly.
 *
 * @example
 * ```ts
 * import { string } from 'millrace'
 * import { TestDriver } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const driver = new TestDriver(builder => {
 *   builder.stream('in', text).mapValues(word => `${word}!`).to('out', text)
 * })
 * driver.inputTopic('in', text).pipe('a', 'yes', { timestamp: 5 })
 * driver.outputTopic('out', text).readAll() // → [
 * //   { key: 'a', value: 'yes!', timestamp: 5, headers: [] }
 * // ]
 * ```
 */
export class TestDriver {
  readonly #topics: TestTopics
  readonly #tasks: readonly Task[]
  readonly #globalTask: Task
  readonly #reads: Set<string>
  /** Sources whose topics are found out as they come. */
  readonly #patterns: readonly SourceNode[]
  readonly #internal: ReadonlySet<string>
  readonly #globalReads: ReadonlySet<string>
  readonly #writes: Set<string>
  /** Whether a sink may write to any topic. */
  readonly #choosesTopics: boolean
  readonly #clock: { now: number }
  readonly #time: TestTime
  #isClosed = false

  constructor(source: TopologySource, options: TestDriverOptions = {}) {
    const { startTimeMs = 0, logger = silentLogger } = options
    const { topology, plan, partitions } = partitioned(topologyOf(source), options.partitions)
    this.#topics = new TestTopics(partitions)
    const config = taskConfigOf(source, options)
    const cache = newCacheBudget(config.cacheMaxBytes)
    this.#clock = { now: startTimeMs }
    this.#time = new TestTime(this.#clock)
    const global = globalPart(topology)
    const whole = wholePart(topology)
    this.#reads = topicsOf(whole)
    const patterns = sourcesOf(whole).filter(({ pattern }) => pattern !== undefined)
    // Where partitions are planned, patterns stand for topics that were named.
    this.#patterns = plan === undefined ? patterns : []
    this.#internal = new Set(topology.internalTopics.map(({ name }) => name))
    this.#globalReads = topicsOf(global)
    this.#writes = writtenBy(whole)
    this.#choosesTopics = whole.nodes.some(
      node => node.kind === 'sink' && typeof node.topic !== 'string',
    )
    if (config.deadLetterTopic !== undefined) this.#writes.add(config.deadLetterTopic)
    const newTask = (
      { id, partition, ...part }: DriverTask,
      inputs: readonly TopicPartition[],
      globals?: Task,
    ): Task => {
      const task = new Task({
        applicationId: topology.applicationId,
        taskId: id,
        partition,
        ...part,
        inputs: inputs.map(start),
        state: newTaskState(id, part.stores),
        collector: this.#topics,
        globalStore: name => globals && globalStoreOf(topology, globals, name),
        config,
        ...(globals && { cache }),
        now: () => this.#clock.now,
        calls: this.#time,
        logger,
      })
      for (const input of task.inputs) task.knowHighWatermark(start(input))
      return task
    }
    const all = (topics: Iterable<string>): TopicPartition[] =>
      [...topics].flatMap(topic =>
        Array.from({ length: partitions(topic) }, (_, partition) => ({ topic, partition })),
      )
    const globalTask = newTask(
      { id: globalTaskId, partition: 0, ...global },
      all(this.#globalReads),
    )
    this.#globalTask = globalTask
    this.#tasks =
      plan === undefined
        ? [newTask({ id: '0_0', partition: 0, ...whole }, all(this.#reads), globalTask)]
        : plan.tasks.map(({ id, partition, subtopology, topics }) => {
            const inputs = topics.map(topic => ({ topic, partition }))
            return newTask(
              { id, partition, nodes: subtopology.nodes, stores: subtopology.stores },
              inputs,
              globalTask,
            )
          })
  }

  /** The driver's clock, in milliseconds since the Unix epoch. */
  get now(): number {
    return this.#clock.now
  }

  /**
   * Moves the clock forward, by milliseconds, calls the punctuators that are due by it, each once, and processes what waited
   * for it.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   * driver.advance(20)
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * driver.outputTopic('out', text).read() // → { key: 'a', timestamp: 20, … }
   * driver.advance(-1) // throws ERR_ASSERTION
   * ```
   */
  advance(ms: number): void {
    assert(ms >= 0, 'time does not go backwards')
    this.#time.advance(ms)
    for (const task of this.#tasks) {
      task.punctuateWallClock()
      commit(task)
    }
    this.#deliverProduced()
    this.#run()
  }

  /**
   * Waits for work that takes time (`mapAsync` and its like) and goes on with its results, until all of it has ended; pauses before
   * retries pass on the driver's clock. A call that has not ended after `patienceMs` milliseconds of real time, 1000 unless
   * given, is taken for one that never ends: the driver's clock moves on to its timeout.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const translated = builder.stream('in', text).mapValuesAsync(
   *     async (word, _, { attempt }) => {
   *       if (attempt === 1) throw new Error('the service is busy')
   *       return word === 'yes' ? 'sí' : new Promise<string>(() => {})
   *     },
   *     { retries: 1, timeoutMs: 2000, retryBackoffMs: 100 },
   *   )
   *   translated.to('out', text)
   * })
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * await driver.settle()
   * driver.outputTopic('out', text).readAll().map(({ value }) => value) // → ['sí']
   * driver.now // → 100
   * driver.inputTopic('in', text).pipe('a', 'no')
   * await driver.settle({ patienceMs: 0 }) // throws CALL_TIMED_OUT
   * driver.now // → 2200
   * ```
   */
  async settle({ patienceMs = defaultPatienceMs }: SettleOptions = {}): Promise<void> {
    this.#run()
    while (this.#tasks.some(task => task.callsInFlight > 0)) {
      await this.#time.untilCallsGoOn(this.#tasks, ms => this.advance(ms), patienceMs)
      this.#run()
    }
  }

  /**
   * A topic to write to. Throws MISSING_TOPIC when the topology does not read it.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * driver.inputTopic('im', text) // throws MISSING_TOPIC
   * ```
   */
  inputTopic<K, V>(name: string, serdes: TopicSerdes<K, V>): TestInputTopic<K, V> {
    if (!this.#readsTopic(name) && !this.#globalReads.has(name)) {
      throw unknownTopic('read', name, [...this.#reads, ...this.#globalReads])
    }
    const topic = this.#topics.topic(name)
    return new TestInputTopic(name, serdes, {
      now: () => this.#clock.now,
      pipe: (record, partition = topic.partitionOf(record.key)) => {
        assert(partition < topic.partitions, `${name} has ${topic.partitions} partitions`)
        this.#deliver(topic, record, partition)
        this.#run()
      },
    })
  }

  /**
   * A topic to read what the topology has written to it; changelogs and repartition topics too. Throws MISSING_TOPIC when
   * the topology does not write it.
   *
   * @example
   * ```ts
   * import { long, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * const changelog = driver.outputTopic('test-counts-changelog', { key: string(), value: long() })
   * changelog.size // → 1
   * ```
   */
  outputTopic<K, V>(name: string, serdes: TopicSerdes<K, V>): TestOutputTopic<K, V> {
    if (!this.#writes.has(name) && !this.#choosesTopics) {
      throw unknownTopic('write', name, this.#writes)
    }
    return new TestOutputTopic(this.#topics.topic(name), serdes)
  }

  /**
   * Everything that was written and not read yet, as bytes, over all topics in the order of writing.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   * driver.inputTopic('in', text).pipe('a', 'yes')
   * const produced = driver.readProduced()
   * produced.map(({ topic, value }) => `${topic}: ${value}`) // → ['out: yes']
   * driver.readProduced() // → []
   * ```
   */
  readProduced(): ProducedRecord[] {
    return this.#topics.takeUnread()
  }

  /** Names of the topics that the topology has written to. */
  get producedTopics(): string[] {
    return this.#topics.producedNames
  }

  /**
   * A key-value store, global ones included; the caller names the types that its definition has. Throws UNKNOWN_STORE
   * when there is no key-value store of that name.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.stream('words', text).groupByKey().count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes')
   * const store = driver.keyValueStore<string, number>('counts')
   * store.get('a') // → { value: 1, timestamp: 0 }
   * store.get('b') // → undefined
   * driver.keyValueStore('count') // throws UNKNOWN_STORE
   * ```
   */
  keyValueStore<K, V>(name: string): TestKeyValueStore<K, V> {
    const stores = this.#rows(name).filter(store => store instanceof KeyValueStore)
    if (stores.length === 0) throw unknownStore('key-value', name)
    return testKeyValueStore(stores)
  }

  /**
   * A window store; the caller names the types that its definition has. Throws UNKNOWN_STORE when there is no window
   * store of that name.
   *
   * @example
   * ```ts
   * import { string, tumbling } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   builder.stream('words', text).groupByKey().windowedBy(perMinute).count({ store: 'counts' })
   * })
   * driver.inputTopic('words', text).pipe('a', 'yes', { timestamp: 61_000 })
   * const store = driver.windowStore<string, number>('counts')
   * store.fetch('a', 60_000) // → { value: 1, timestamp: 61_000 }
   * store.fetch('a', 0) // → undefined
   * ```
   */
  windowStore<K, V>(name: string): TestWindowStore<K, V> {
    const stores = this.#rows(name).filter(store => store instanceof WindowStore)
    if (stores.length === 0) throw unknownStore('window', name)
    return testWindowStore(stores)
  }

  /**
   * A session store; the caller names the types that its definition has. Throws UNKNOWN_STORE when there is no session store
   * of that name.
   *
   * @example
   * ```ts
   * import { long, sessionStore, string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const visits = sessionStore('visits', { key: string(), value: long(), retention: { hours: 1 } })
   * const driver = new TestDriver(builder => {
   *   builder.stream('pages', text).processValues<string>(
   *     context => {
   *       const store = context.store(visits)
   *       return { process: ({ key, timestamp }) => void store.put(key, 1, 0, timestamp, timestamp) }
   *     },
   *     { stores: [visits] },
   *   )
   * })
   * driver.inputTopic('pages', text).pipe('a', 'home', { timestamp: 5 })
   * const store = driver.sessionStore<string, number>('visits')
   * store.fetch('a') // → [{ key: 'a', start: 0, end: 5, value: 1, timestamp: 5 }]
   * store.rows().length // → 1
   * ```
   */
  sessionStore<K, V>(name: string): TestSessionStore<K, V> {
    const stores = this.#rows(name).filter(store => store instanceof SessionRows)
    if (stores.length === 0) throw unknownStore('session', name)
    return testSessionStore(stores)
  }

  /**
   * The store of a versioned table; the caller names the types that its definition has. Throws UNKNOWN_STORE when there is
   * no versioned store of that name.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const driver = new TestDriver(builder => {
   *   builder.table('prices', { ...text, store: 'prices', historyRetention: { days: 1 } })
   * })
   * const prices = driver.inputTopic('prices', text)
   * prices.pipe('apple', '2', { timestamp: 200 })
   * prices.pipe('apple', '1', { timestamp: 100 })
   * const store = driver.versionedStore<string, string>('prices')
   * store.get('apple') // → { value: '2', timestamp: 200, … }
   * store.get('apple', 150) // → { value: '1', timestamp: 100, validTo: 200 }
   * store.get('apple', 50) // → undefined
   * store.versions('apple').map(({ value }) => value) // → ['1', '2']
   * store.rows() // → [{ key: 'apple', value: '2', timestamp: 200 }]
   * ```
   */
  versionedStore<K, V>(name: string): TestVersionedStore<K, V> {
    const stores = this.#rows(name).filter(store => store instanceof VersionedStore)
    if (stores.length === 0) throw unknownStore('versioned', name)
    return testVersionedStore(stores)
  }

  /** Records that were not processed: late, without a key, or skipped. Kafka's `dropped-records-total`. */
  get droppedRecords(): number {
    const tasks = [...this.#tasks, this.#globalTask]
    return tasks.reduce((dropped, task) => dropped + task.droppedRecords, 0)
  }

  /**
   * Closes the processors. `using driver = new TestDriver(app)` does it at the end of the block.
   *
   * @example
   * ```ts
   * import { string } from 'millrace'
   * import { TestDriver } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * {
   *   using driver = new TestDriver(builder => builder.stream('in', text).to('out'))
   *   driver.inputTopic('in', text).pipe('a', 'yes')
   *   driver.producedTopics // → ['out']
   * }
   * ```
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const task of this.#tasks) task.closeProcessors()
    this.#globalTask.closeProcessors()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #rows(name: string): unknown[] {
    return [...this.#tasks, this.#globalTask].flatMap(({ state }) => state.rows(name) ?? [])
  }

  #deliver(topic: TestTopic, record: BytesRecord, partition: number): void {
    const reads = this.#readsTopic(topic.name)
    const globalReads = this.#globalReads.has(topic.name)
    if (!reads && !globalReads) return
    const fetched = topic.deliver(record, partition)
    if (reads) {
      for (const task of this.#tasks) {
        if (this.#tasks.length === 1 || readsPartition(task, fetched)) task.add(fetched)
      }
    }
    if (!globalReads) return
    this.#globalTask.add(fetched)
    while (this.#globalTask.process(1) > 0) {
      done(this.#globalTask.completeCommit(this.#globalTask.prepareCommit()))
    }
  }

  /** A topic that a pattern matches becomes an input when it is first heard of. */
  #readsTopic(topic: string): boolean {
    if (this.#reads.has(topic)) return true
    if (this.#internal.has(topic) || !this.#patterns.some(each => readsTopic(each, topic)))
      return false
    this.#reads.add(topic)
    for (const task of this.#tasks) {
      task.addInput(start({ topic, partition: 0 }))
      task.knowHighWatermark(start({ topic, partition: 0 }))
    }
    return true
  }

  #run(): void {
    let processed: boolean
    do {
      processed = false
      for (const task of this.#tasks) {
        while (task.completeCalls() + task.process(1) > 0) {
          processed = true
          commit(task)
          this.#deliverProduced()
        }
      }
      // Records for tasks whose turn is over, and dead letters of records that could not be processed.
    } while (processed || this.#deliverProduced())
  }

  #deliverProduced(): boolean {
    const taken = this.#topics.takeUndelivered()
    for (const { record, partition } of taken) {
      this.#deliver(this.#topics.topic(record.topic), record, partition)
    }
    return taken.length > 0
  }
}

/** What a task of the driver is. */
interface DriverTask extends TaskPart {
  readonly id: string
  readonly partition: number
}

function partitioned(
  topology: Topology,
  partitions: TestPartitions | undefined,
): { topology: Topology; plan?: PartitionPlan; partitions: (topic: string) => number } {
  if (partitions === undefined) return { topology, partitions: () => 1 }
  return partitionTopology(topology, partitions)
}

const readsPartition = (task: Task, { topic, partition }: TopicPartition): boolean =>
  task.inputs.some(input => input.topic === topic && input.partition === partition)

/** Unless work is under way that takes time. */
function commit(task: Task): void {
  if (!task.isDrained()) return
  task.prepareCommit()
  done(task.completeCommit())
}

function globalStoreOf({ globalStores }: Topology, { state }: Task, name: string): unknown {
  const definition = globalStores.map(({ store }) => store).find(store => store.name === name)
  // The memory engine damages nothing.
  return definition && globalStoreView(definition, state, () => {})?.store
}

const start = ({ topic, partition }: TopicPartition) => ({
  topic,
  partition,
  offset: 0,
  metadata: '',
})

const sourcesOf = ({ nodes }: TaskPart): SourceNode[] =>
  nodes.filter(node => node.kind === 'source')

const topicsOf = (part: TaskPart): Set<string> =>
  new Set(sourcesOf(part).flatMap(({ topics }) => topics))

const writtenBy = ({ nodes, stores }: TaskPart): Set<string> =>
  new Set([
    ...nodes.flatMap(topicsOfSink),
    ...stores.flatMap(({ changelogTopic }) => changelogTopic ?? []),
  ])

const done = (waits: Promise<void> | undefined): void =>
  assert(waits === undefined, 'the memory engine never waits')

const unknownTopic = (
  verb: 'read' | 'write',
  name: string,
  known: Iterable<string>,
): MillraceError =>
  new MillraceError(
    'MISSING_TOPIC',
    `The topology does not ${verb} the topic ${name}. It ${verb}s: ${[...known].join(', ') || 'none'}.`,
  )

const unknownStore = (kind: string, name: string): MillraceError =>
  new MillraceError(
    'UNKNOWN_STORE',
    `The topology has no ${kind} store ${name}. Check the name; an operator's store has one when it was given to it.`,
  )
