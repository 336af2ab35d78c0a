/**
 * The topics of the broker and the logs of their partitions. A topic exists when it is in the register
 * (topic-register.ts). Folders of partitions (partition-folders.ts) are made before their topic is registered and removed
 * after it is struck out, so after a crash there may be folders too many, which `openTopics` removes, and never one too
 * few.
 */
import { join } from 'node:path'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { topicNameProblem } from '../protocol/topic-name.ts'
import type { BrokerConfig } from './config.ts'
import { diskReserve } from './disk-reserve.ts'
import { isInternalTopic } from './internal-topics.ts'
import type { LogConfig } from './log/log-config.ts'
import type { PartitionLog } from './log/partition-log.ts'
import { newTopicCounters, type TopicCounters } from './metrics/counters.ts'
import { partitionFolders } from './partition-folders.ts'
import { RequestRefused } from './request-refused.ts'
import { logConfigFor, type TopicConfigs } from './topic-configs.ts'
import { readRegister, type RegisteredTopic, writeRegister } from './topic-register.ts'

export interface Topic {
  readonly name: string
  /** Lower-case hexadecimal with dashes; a topic deleted and made again under the same name has another one. */
  readonly id: string
  readonly configs: TopicConfigs
  /** By partition number. */
  readonly partitions: readonly PartitionLog[]
  /** Kept by the broker for itself: clients may read it and not write to it. */
  readonly internal: boolean
  readonly counters: TopicCounters
}

export interface NewTopicSpec {
  readonly name: string
  readonly partitions: number
  readonly configs: TopicConfigs
}

/**
 * Changes happen one after another and are durable when their promise resolves. They reject with RequestRefused when
 * they cannot be granted and with FILE_ERROR when the disk does not play along.
 */
export interface Topics {
  get(name: string): Topic | undefined
  byId(id: string): Topic | undefined
  /** In order of their names. */
  all(): Topic[]
  partition(name: string, partition: number): PartitionLog | undefined
  /** What is wrong with a topic to be created: throws what `create` would. */
  check(spec: NewTopicSpec): void
  create(spec: NewTopicSpec): Promise<Topic>
  /** As `create`, but a topic that exists already is as good as a new one. */
  ensure(spec: NewTopicSpec): Promise<Topic>
  /** Throws what `addPartitions` would. */
  checkPartitionCount(name: string, count: number): Topic
  addPartitions(name: string, count: number): Promise<Topic>
  /** Replaces all settings by what `change` makes of them. */
  configure(name: string, change: (configs: TopicConfigs) => TopicConfigs): Promise<void>
  delete(name: string): Promise<Topic>
  /** Does work that gives space back: on a full disk it may use what is set aside for that, and is then done once more. */
  freeing<T>(work: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

export interface TopicsOptions {
  readonly platform: Platform
  /** The data folder. */
  readonly folder: string
  readonly config: BrokerConfig
  readonly logger: Logger
}

interface TopicState extends Topic {
  configs: TopicConfigs
  readonly partitions: PartitionLog[]
  /** Shared by the logs of all partitions, which look into it each time: a change of settings reaches them here. */
  readonly logConfig: LogConfig
}

/** Opens every partition and recovers what was not closed cleanly. Throws CORRUPT_DATA, FILE_ERROR. */
export async function openTopics(options: TopicsOptions): Promise<Topics> {
  const { platform, config, logger } = options
  const { files } = platform
  const folders = partitionFolders({ platform, folder: join(options.folder, 'logs'), logger })
  const reserve = diskReserve(files, options.folder)
  const topics = new Map<string, TopicState>()
  /** The same by id, by which newer clients fetch. */
  const ids = new Map<string, TopicState>()
  let partitionCount = 0
  let changes: Promise<unknown> = Promise.resolve()
  /** A write of the register has failed: it may have been replaced all the same, and say something else than `topics`. */
  let isRegisterUnsure = false

  try {
    await load()
  } catch (error) {
    await closeLogs()
    throw error
  }

  async function load(): Promise<void> {
    const found = readRegister(files, options.folder, folders.isEmpty())
    // Before the first partition: a crash while it is made must not look like a register that was lost.
    if (found === undefined) await writeRegister(files, options.folder, [])
    const known = found ?? []
    folders.keepOnly(known)
    for (const { name, id, partitions, configs } of known) {
      const topic = newTopic(name, id, new Map(Object.entries(configs)))
      topic.partitions.push(...(await folders.openRange(topic, 0, partitions, 'mustExist')))
      topics.set(name, topic)
      ids.set(topic.id, topic)
      partitionCount += partitions
    }
    reserve.fill()
  }

  function newTopic(name: string, id: string, configs: TopicConfigs): TopicState {
    return {
      name,
      id,
      configs,
      partitions: [],
      internal: isInternalTopic(name),
      counters: newTopicCounters(),
      logConfig: { ...logConfigFor(configs, config) },
    }
  }

  async function closeLogs(): Promise<void> {
    const logs = [...topics.values()].flatMap(topic => topic.partitions)
    await Promise.all(logs.map(log => log.close()))
  }

  /** Runs changes of the register one after another. `save` writes it where an earlier change left it unsure. */
  function change<Result>(
    work: () => Promise<Result>,
    save: (write: () => Promise<void>) => Promise<void> = write => write(),
  ): Promise<Result> {
    const result = changes.then(async () => {
      // First, because the folders of what it may name are about to change.
      if (isRegisterUnsure) await save(() => saveRegister([...topics.values()].map(rowOf)))
      return work()
    })
    changes = result.catch(() => undefined)
    return result
  }

  /** Writes the register, with `partitions` for this topic, or without it when there are none. */
  async function register(topic: TopicState, partitions: number): Promise<void> {
    const others = [...topics.values()].filter(other => other !== topic)
    const rows = others.map(rowOf)
    if (partitions > 0) rows.push({ ...rowOf(topic), partitions })
    await saveRegister(rows)
  }

  async function saveRegister(rows: readonly RegisteredTopic[]): Promise<void> {
    isRegisterUnsure = true
    await writeRegister(files, options.folder, rows)
    isRegisterUnsure = false
  }

  function rowOf({ name, id, configs, partitions }: TopicState): RegisteredTopic {
    return { name, id, partitions: partitions.length, configs: Object.fromEntries(configs) }
  }

  /** Gives the topic new partitions, so that it has `count`, and registers it with them. */
  async function grow(topic: TopicState, count: number): Promise<void> {
    const added = await folders.openRange(topic, topic.partitions.length, count, 'mustNotExist')
    try {
      await folders.sync()
      await register(topic, count)
    } catch (error) {
      // The register may have been replaced all the same, so the folders stay; they go when the topic is not in it.
      await Promise.allSettled(added.map(log => log.close()))
      throw error
    }
    topic.partitions.push(...added)
    partitionCount += added.length
  }

  function existing(name: string): TopicState {
    const topic = topics.get(name)
    if (topic !== undefined) return topic
    throw new RequestRefused(
      errorCode.UNKNOWN_TOPIC_OR_PARTITION,
      `There is no topic ${JSON.stringify(name.slice(0, 260))}.`,
    )
  }

  function checkCount(topic: string, more: number, total: number): void {
    if (total > config.maxPartitionsPerTopic) {
      throw new RequestRefused(
        errorCode.INVALID_PARTITIONS,
        `${total} partitions for ${topic} are more than a topic may have here (${config.maxPartitionsPerTopic}).`,
      )
    }
    if (partitionCount + more > config.maxPartitions) {
      throw new RequestRefused(
        errorCode.POLICY_VIOLATION,
        `With ${more} more partitions for ${topic} the broker would have more than ${config.maxPartitions}.`,
      )
    }
  }

  const self: Topics = {
    get: name => topics.get(name),
    byId: id => ids.get(id),
    all: () => [...topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    partition: (name, partition) => topics.get(name)?.partitions[partition],
    check({ name, partitions }) {
      const problem = topicNameProblem(name)
      if (problem !== null) {
        const shown = JSON.stringify(name.slice(0, 60))
        throw new RequestRefused(
          errorCode.INVALID_TOPIC_EXCEPTION,
          `The topic name ${shown} ${problem}`,
        )
      }
      if (topics.has(name)) {
        throw new RequestRefused(errorCode.TOPIC_ALREADY_EXISTS, `Topic ${name} already exists.`)
      }
      if (partitions < 1) {
        throw new RequestRefused(
          errorCode.INVALID_PARTITIONS,
          `Topic ${name} needs at least one partition, not ${partitions}.`,
        )
      }
      checkCount(name, partitions, partitions)
    },
    create: spec =>
      change(async () => {
        self.check(spec)
        const topic = newTopic(spec.name, uuid(platform.random.bytes(16)), spec.configs)
        await grow(topic, spec.partitions)
        topics.set(spec.name, topic)
        ids.set(topic.id, topic)
        return topic
      }),
    async ensure(spec) {
      try {
        return topics.get(spec.name) ?? (await self.create(spec))
      } catch (error) {
        const made = topics.get(spec.name)
        if (made !== undefined) return made
        throw error
      }
    },
    checkPartitionCount(name, count) {
      const topic = existing(name)
      const more = count - topic.partitions.length
      if (topic.internal || more <= 0) {
        throw new RequestRefused(
          errorCode.INVALID_PARTITIONS,
          topic.internal
            ? `The number of partitions of ${name} is fixed.`
            : `Topic ${name} has ${topic.partitions.length} partitions already: ${count} are not more.`,
        )
      }
      checkCount(name, more, count)
      return topic
    },
    addPartitions: (name, count) =>
      change(async () => {
        self.checkPartitionCount(name, count)
        const topic = existing(name)
        await grow(topic, count)
        return topic
      }),
    configure: (name, newConfigs) =>
      change(async () => {
        const topic = existing(name)
        const before = topic.configs
        const configs = newConfigs(before)
        topic.configs = configs
        try {
          await register(topic, topic.partitions.length)
        } catch (error) {
          topic.configs = before
          throw error
        }
        Object.assign(topic.logConfig, logConfigFor(configs, config))
      }),
    delete: name =>
      change(
        async () => {
          const topic = existing(name)
          if (topic.internal) {
            throw new RequestRefused(
              errorCode.INVALID_REQUEST,
              `Topic ${name} is kept by the broker itself and cannot be deleted.`,
            )
          }
          topics.delete(name)
          ids.delete(topic.id)
          partitionCount -= topic.partitions.length
          try {
            await reserve.spend(() => register(topic, 0))
          } catch (error) {
            // Whether it is still registered nobody knows, so it may take no more records: a restart could remove them.
            await Promise.allSettled(topic.partitions.map(log => log.close()))
            throw error
          }
          for (const log of topic.partitions) await log.remove()
          reserve.fill()
          return topic
        },
        write => reserve.spend(write),
      ),
    async freeing(work) {
      const result = await reserve.spend(work)
      reserve.fill()
      return result
    },
    async close() {
      await changes
      await closeLogs()
    },
  }
  return self
}

function uuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}
