import assert from 'node:assert/strict'

import { MillraceError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { globalStoreView } from '../runtime/global-store-view.ts'
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
import { TestOutputTopic } from './test-output-topic.ts'
import { type BytesRecord, type ProducedRecord, type TestTopic, TestTopics } from './test-topics.ts'
import { taskConfigOf, topologyOf, type TopologySource } from './topology-source.ts'

/**
 * How a driver begins. Of a `TaskConfig` that is given here, each member overrules that of the app.
 */
export interface TestDriverOptions extends TaskConfig {
  /** Where the driver's clock starts, in milliseconds since the Unix epoch. @defaultValue 0 */
  readonly startTimeMs?: number
  /** @defaultValue silent */
  readonly logger?: Logger
}

/**
 * Runs a topology in this process, without a log, on a clock that moves only when it is told to: each piped record is
 * processed at once with all that follows from it, and everything is committed, before `pipe` returns. All
 * sub-topologies run as one task, every topic has one partition, and global tables are updated directly. Kafka Streams'
 * `TopologyTestDriver`.
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
  readonly #topics = new TestTopics()
  readonly #task: Task
  readonly #globalTask: Task
  readonly #reads: Set<string>
  /** Sources whose topics are found out as they come. */
  readonly #patterns: readonly SourceNode[]
  readonly #internal: ReadonlySet<string>
  readonly #globalReads: ReadonlySet<string>
  readonly #writes: Set<string>
  /** Whether a sink may write to any topic. */
  readonly #choosesTopics: boolean
  #now: number

  constructor(source: TopologySource, options: TestDriverOptions = {}) {
    const { startTimeMs = 0, logger = silentLogger } = options
    const topology = topologyOf(source)
    const config = taskConfigOf(source, options)
    const cache = newCacheBudget(config.cacheMaxBytes)
    this.#now = startTimeMs
    const global = globalPart(topology)
    const whole = wholePart(topology)
    this.#reads = topicsOf(whole)
    this.#patterns = sourcesOf(whole).filter(({ pattern }) => pattern !== undefined)
    this.#internal = new Set(topology.internalTopics.map(({ name }) => name))
    this.#globalReads = topicsOf(global)
    this.#writes = writtenBy(whole)
    this.#choosesTopics = whole.nodes.some(
      node => node.kind === 'sink' && typeof node.topic !== 'string',
    )
    if (config.deadLetterTopic !== undefined) this.#writes.add(config.deadLetterTopic)
    const newTask = (taskId: string, { nodes, stores }: TaskPart, globals?: Task): Task => {
      const task = new Task({
        applicationId: topology.applicationId,
        taskId,
        partition: 0,
        nodes,
        stores,
        inputs: [...topicsOf({ nodes, stores })].map(start),
        state: newTaskState(taskId, stores),
        collector: this.#topics,
        globalStore: name => globals && globalStoreOf(topology, globals, name),
        config,
        ...(globals && { cache }),
        now: () => this.#now,
        logger,
      })
      for (const { topic } of task.inputs) task.knowHighWatermark(start(topic))
      return task
    }
    this.#globalTask = newTask(globalTaskId, global)
    this.#task = newTask('0_0', whole, this.#globalTask)
  }

  /** The driver's clock, in milliseconds since the Unix epoch. */
  get now(): number {
    return this.#now
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
    this.#now += ms
    this.#task.punctuateWallClock()
    this.#commit()
    this.#deliverProduced()
    this.#run()
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
      now: () => this.#now,
      pipe: (record, partition = 0) => {
        assert(partition === 0, 'every topic of the driver has one partition')
        this.#deliver(topic, record)
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
    const store = this.#task.state.rows(name) ?? this.#globalTask.state.rows(name)
    if (!(store instanceof KeyValueStore)) throw unknownStore('key-value', name)
    return testKeyValueStore(store)
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
    const store = this.#task.state.rows(name)
    if (!(store instanceof WindowStore)) throw unknownStore('window', name)
    return testWindowStore(store)
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
    const store = this.#task.state.rows(name)
    if (!(store instanceof SessionRows)) throw unknownStore('session', name)
    return testSessionStore(store)
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
    const store = this.#task.state.rows(name)
    if (!(store instanceof VersionedStore)) throw unknownStore('versioned', name)
    return testVersionedStore(store)
  }

  /** Records that were not processed: late, without a key, or skipped. Kafka's `dropped-records-total`. */
  get droppedRecords(): number {
    return this.#task.droppedRecords + this.#globalTask.droppedRecords
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
    this.#task.closeProcessors()
    this.#globalTask.closeProcessors()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #deliver(topic: TestTopic, record: BytesRecord): void {
    const reads = this.#readsTopic(topic.name)
    const globalReads = this.#globalReads.has(topic.name)
    if (!reads && !globalReads) return
    const fetched = topic.deliver(record)
    if (reads) this.#task.add(fetched)
    if (!globalReads) return
    this.#globalTask.add(fetched)
    while (this.#globalTask.process(1) > 0) {
      done(this.#globalTask.completeCommit(this.#globalTask.prepareCommit()))
    }
  }

  /** A topic that a pattern matches becomes an input when it is first heard of. */
  #readsTopic(name: string): boolean {
    if (this.#reads.has(name)) return true
    if (this.#internal.has(name) || !this.#patterns.some(each => readsTopic(each, name)))
      return false
    this.#reads.add(name)
    this.#task.addInput(start(name))
    this.#task.knowHighWatermark(start(name))
    return true
  }

  #run(): void {
    do {
      while (this.#task.process(1) > 0) {
        this.#commit()
        this.#deliverProduced()
      }
      // Dead letters of records that could not be processed.
    } while (this.#deliverProduced())
  }

  #commit(): void {
    this.#task.prepareCommit()
    done(this.#task.completeCommit())
  }

  #deliverProduced(): boolean {
    const records = this.#topics.takeUndelivered()
    for (const record of records) this.#deliver(this.#topics.topic(record.topic), record)
    return records.length > 0
  }
}

function globalStoreOf({ globalStores }: Topology, { state }: Task, name: string): unknown {
  const definition = globalStores.map(({ store }) => store).find(store => store.name === name)
  // The memory engine damages nothing.
  return definition && globalStoreView(definition, state, () => {})?.store
}

const start = (topic: string) => ({ topic, partition: 0, offset: 0, metadata: '' })

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
