import assert from 'node:assert/strict'
import { join } from 'node:path'

import { MillraceError } from '../errors.ts'
import { type Logger, silentLogger } from '../logger.ts'
import { makeDurableFolder } from '../platform/make-durable-folder.ts'
import { nodePlatform } from '../platform/node-platform.ts'
import { partitionForKey } from '../protocol/murmur2.ts'
import { RecordBatchBuilder } from '../protocol/record-batch-builder.ts'
import { levelEngine } from '../state/level-engine.ts'
import { memoryEngine } from '../state/memory-engine.ts'
import type { StoreEngine } from '../state/store-engine.ts'
import type { QueryableStore } from '../state/stores.ts'
import type { TaskConfig } from '../topology/task-config.ts'
import { TestInputTopic, type TopicSerdes } from './test-input-topic.ts'
import { TestInstance } from './test-instance.ts'
import { TestLog } from './test-log.ts'
import { TestOutputTopic } from './test-output-topic.ts'
import {
  type PartitionedTopology,
  partitionTopology,
  type TestPartitions,
} from './test-partitions.ts'
import type { BytesRecord } from './test-topics.ts'
import { taskConfigOf, topologyOf, type TopologySource } from './topology-source.ts'

/**
 * How a test application begins. Of a `TaskConfig` that is given here, each member overrules that of the app.
 */
export interface TestApplicationOptions extends TaskConfig {
  /** Partitions of each topic that the topology reads or writes; or by name, one where nothing is said. @defaultValue 1 */
  readonly partitions?: TestPartitions
  /** A folder of this application alone: stores are kept in LevelDB there. @defaultValue none: they are in memory */
  readonly stateFolder?: string
  /** Where the clock starts, in milliseconds since the Unix epoch. @defaultValue 0 */
  readonly startTimeMs?: number
  /** @defaultValue silent */
  readonly logger?: Logger
}

/**
 * How a test application is killed.
 */
export interface KillOptions {
  /** Whether the stores are gone, too. @defaultValue false */
  readonly wipe?: boolean
  /**
   * Whether the kill comes within a commit, when records and offsets are in the log and the stores do not have their share.
   * @defaultValue false
   */
  readonly withinCommit?: boolean
}

/**
 * Runs a topology in this process as in production, but for the log, which is in memory, and time, which moves when it is told
 * to: one task for each sub-topology and partition, records between tasks in repartition topics, stores in memory or in
 * LevelDB with changelogs. While records are processed, `Date.now()` tells the application's time. The test says when records are processed, when they are committed, and when the application ends
 * and starts again. Nothing depends on chance: the same calls give the same results.
 *
 * @example
 * ```ts
 * import { long, type ReadOnlyKeyValueStore, string } from 'millrace'
 * import { TestApplication } from 'millrace/testing'
 *
 * const text = { key: string(), value: string() }
 * const application = await TestApplication.start(
 *   builder => {
 *     const counts = builder.stream('words', text).groupByKey().count({ store: 'counts' })
 *     counts.toStream().to('out')
 *   },
 *   { partitions: 4 },
 * )
 * const words = application.inputTopic('words', text)
 * words.pipe('a', 'yes')
 * await application.settle()
 * await application.restart()
 * words.pipe('a', 'no')
 * await application.process() // → 1
 * await application.kill({ wipe: true }) // before 'no' was committed
 * application.advance(50)
 * words.pipe('a', 'perhaps')
 * await application.process() // → 2
 * await application.commit()
 *
 * const counts = application.store<ReadOnlyKeyValueStore<string, number>>('counts')
 * counts.get('a') // → { value: 3, timestamp: 50 }
 * const out = application.outputTopic('out', { key: string(), value: long() })
 * out.readAll().map(({ value }) => value) // → [1, 2, 3]
 * await application.close()
 * ```
 */
export class TestApplication implements AsyncDisposable {
  readonly #setting: Setting
  readonly #reads: ReadonlySet<string>
  #instance: TestInstance
  #droppedBefore = 0

  /**
   * Starts the application on an empty log. Throws WRONG_PARTITIONS when topics that must be partitioned alike are not.
   *
   * @example
   * ```ts
   * import { defineApp, string } from 'millrace'
   * import { TestApplication } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * const app = defineApp('orders', builder => {
   *   const customers = builder.table('customers', text)
   *   const orders = builder.stream('orders', text)
   *   orders.join(customers, (order, customer) => `${order} of ${customer}`).to('out', text)
   * })
   * await using application = await TestApplication.start(app, { partitions: 4 })
   * application.now // → 0
   * await TestApplication.start(app, { partitions: { orders: 4, customers: 3 } }) // throws WRONG_PARTITIONS
   * ```
   */
  static async start(
    source: TopologySource,
    options: TestApplicationOptions = {},
  ): Promise<TestApplication> {
    const { logger = silentLogger, startTimeMs = 0, partitions = 1 } = options
    const clock = { now: startTimeMs }
    const setting: Setting = {
      ...partitionTopology(topologyOf(source), partitions),
      log: new TestLog(),
      engine: await engineIn(options.stateFolder),
      config: taskConfigOf(source, options),
      clock,
      now: () => clock.now,
      logger,
    }
    return new TestApplication(setting, await startInstance(setting))
  }

  private constructor(setting: Setting, instance: TestInstance) {
    this.#setting = setting
    this.#instance = instance
    const { subtopologies, globalStores } = setting.topology
    const nodes = [
      ...subtopologies.flatMap(part => part.nodes),
      ...globalStores.map(global => global.source),
    ]
    this.#reads = new Set(nodes.flatMap(node => (node.kind === 'source' ? node.topics : [])))
  }

  /** The clock of the application, in milliseconds since the Unix epoch. */
  get now(): number {
    return this.#setting.clock.now
  }

  /**
   * A topic to write to. What is piped is in the log at once, in the partition that the key's hash gives or that is given;
   * it is processed by `process`. Throws MISSING_TOPIC when the topology does not read the topic.
   */
  inputTopic<K, V>(name: string, serdes: TopicSerdes<K, V>): TestInputTopic<K, V> {
    const partitions = this.#setting.plan.counts.get(name)
    if (!this.#reads.has(name) || partitions === undefined) {
      throw new MillraceError(
        'MISSING_TOPIC',
        `The topology does not read the topic ${name}. It reads: ${[...this.#reads].join(', ')}.`,
      )
    }
    const builder = new RecordBatchBuilder()
    return new TestInputTopic(name, serdes, {
      now: this.#setting.now,
      pipe: ({ key, value, timestamp, headers }, given) => {
        const partition = given ?? (key === null ? 0 : partitionForKey(key, partitions))
        assert(partition < partitions, `${name} has ${partitions} partitions`)
        builder.reset()
        builder.append(key, value, timestamp, headers)
        this.#setting.log.append({ topic: name, partition, batch: builder.build() })
      },
    })
  }

  /**
   * A topic to read what commits have written to it; changelogs and repartition topics too. Of one partition records come in
   * their order, of several in that in which they were written.
   */
  outputTopic<K, V>(name: string, serdes: TopicSerdes<K, V>): TestOutputTopic<K, V> {
    const { log } = this.#setting
    const unread: { record: BytesRecord }[] = []
    let seen = 0
    const topic = {
      name,
      get unread() {
        const found = log.since(name, seen)
        seen = found.seen
        for (const record of found.records) unread.push({ record })
        return unread
      },
    }
    return new TestOutputTopic(topic, serdes)
  }

  /** Names of the topics that hold records. */
  get topics(): string[] {
    return this.#setting.log.topicNames
  }

  /**
   * Processes what is in the log, one task after the other, and returns the number of records: `maxRecords`, or less when
   * there are no more. Work that takes time has ended by then; pauses before its retries pass on the application's clock. Results are in output topics, and in the repartition topics that other tasks read, from the next
   * `commit` on. Throws what the topology throws; the application then can only be killed.
   */
  process(maxRecords = Infinity): Promise<number> {
    return this.#instance.process(maxRecords)
  }

  /** Writes results, offsets and stores, as an application does at its commit interval. */
  async commit(): Promise<void> {
    await this.#instance.commit()
  }

  /** Processes and commits until there is nothing left to do. */
  async settle(): Promise<void> {
    do await this.process()
    while ((await this.#instance.commit()) || this.#instance.isReady)
  }

  /** Moves the clock forward, by milliseconds, and calls the punctuators that are due by it. */
  advance(ms: number): void {
    assert(ms >= 0, 'time does not go backwards')
    this.#instance.advance(ms)
  }

  /** Commits, ends the application in good order, and starts it again. */
  async restart(): Promise<void> {
    await this.#instance.commit()
    await this.#instance.close()
    await this.#startAnew()
  }

  /**
   * Ends the application as if its process was killed and starts it again: what was processed and not committed is processed
   * once more, and stores are restored from their changelogs as far as they lack something.
   */
  async kill({ wipe = false, withinCommit = false }: KillOptions = {}): Promise<void> {
    if (withinCommit) await this.#instance.commitWithoutStores()
    await this.#instance.kill(wipe)
    await this.#startAnew()
  }

  async #startAnew(): Promise<void> {
    this.#droppedBefore += this.#instance.committedDrops
    this.#instance = await startInstance(this.#setting)
  }

  /**
   * A store by name, all partitions as one; the caller names the type that its definition has. Throws UNKNOWN_STORE when the
   * topology has no such store.
   *
   * @example
   * ```ts
   * import { type ReadOnlyWindowStore, string, tumbling } from 'millrace'
   * import { TestApplication } from 'millrace/testing'
   *
   * const text = { key: string(), value: string() }
   * await using application = await TestApplication.start(builder => {
   *   const perMinute = tumbling({ minutes: 1 })
   *   builder.stream('words', text).groupByKey().windowedBy(perMinute).count({ store: 'counts' })
   * })
   * application.inputTopic('words', text).pipe('a', 'yes', { timestamp: 61_000 })
   * await application.settle()
   * const counts = application.store<ReadOnlyWindowStore<string, number>>('counts')
   * counts.fetch('a', 60_000) // → { value: 1, timestamp: 61_000 }
   * ```
   */
  store<S extends QueryableStore = QueryableStore>(name: string): S {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return this.#instance.store(name) as S
  }

  /** Records that were not processed: late, without a key, or skipped. Those of work that a kill undid do not count. */
  get droppedRecords(): number {
    return this.#droppedBefore + this.#instance.droppedRecords
  }

  /** Ends the application; what was not committed is forgotten. */
  close(): Promise<void> {
    return this.#instance.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** What stays the same over all starts. */
interface Setting extends PartitionedTopology {
  readonly log: TestLog
  readonly engine: StoreEngine
  readonly config: ReturnType<typeof taskConfigOf>
  readonly clock: { now: number }
  readonly now: () => number
  readonly logger: Logger
}

async function startInstance(setting: Setting): Promise<TestInstance> {
  const instance = new TestInstance(setting)
  await instance.start()
  return instance
}

async function engineIn(stateFolder: string | undefined): Promise<StoreEngine> {
  if (stateFolder === undefined) return memoryEngine()
  const platform = nodePlatform()
  const folder = join(stateFolder, 'tasks')
  await makeDurableFolder(platform.files, folder)
  return levelEngine({ ...platform, folder })
}
