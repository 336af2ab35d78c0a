import { join } from 'node:path'
import type { Logger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'
import { corrupt } from './checked-file.ts'
import type { LogConfig } from './log/log-config.ts'
import { openPartitionLog, type PartitionLog } from './log/partition-log.ts'

/** The folders of all partitions, `<topic>-<partition>` side by side in one. */
export interface PartitionFolders {
  isEmpty(): boolean
  /** Makes the folder that holds them, and removes from it what belongs to none of these topics. */
  keepOnly(topics: Iterable<{ readonly name: string; readonly partitions: number }>): void
  /**
   * Opens the logs of the partitions from `first` to below `end`: all of them or, when one cannot be opened, none. Throws
   * CORRUPT_DATA, among other things when a folder that must exist is missing, and FILE_ERROR.
   */
  openRange(
    topic: LoggedTopic,
    first: number,
    end: number,
    existence: 'mustExist' | 'mustNotExist',
  ): Promise<PartitionLog[]>
  /** Makes durable which folders there are. */
  sync(): Promise<void>
}

export interface LoggedTopic {
  readonly name: string
  readonly id: string
  readonly logConfig: LogConfig
}

export interface PartitionFoldersOptions {
  readonly platform: Platform
  /** The folder that holds them. */
  readonly folder: string
  readonly logger: Logger
}

export function partitionFolders(options: PartitionFoldersOptions): PartitionFolders {
  const { folder: parent, logger } = options
  const { files, clock } = options.platform

  async function open(
    topic: LoggedTopic,
    partition: number,
    existence: 'mustExist' | 'mustNotExist',
  ): Promise<PartitionLog> {
    const { id: topicId, logConfig: config } = topic
    const folder = join(parent, `${topic.name}-${partition}`)
    const empty = files.list(folder).length === 0
    if (existence === 'mustExist' && empty) {
      throw corrupt(folder, `the log of partition ${partition} of ${topic.name} is missing`)
    }
    // What a creation left behind that failed half way.
    if (existence === 'mustNotExist' && !empty) files.remove(folder)
    return openPartitionLog({ files, clock, folder, topicId, config, logger })
  }

  return {
    isEmpty: () => files.list(parent).length === 0,
    keepOnly(topics) {
      files.makeFolder(parent)
      const expected = new Set<string>()
      for (const { name, partitions } of topics) {
        for (let partition = 0; partition < partitions; partition++) {
          expected.add(`${name}-${partition}`)
        }
      }
      for (const name of files.list(parent)) {
        if (expected.has(name)) continue
        logger.warn(
          { folder: join(parent, name) },
          'A partition folder of no registered topic is removed: its creation or deletion was cut short.',
        )
        files.remove(join(parent, name))
      }
    },
    async openRange(topic, first, end, existence) {
      const opening: Promise<PartitionLog>[] = []
      for (let partition = first; partition < end; partition++) {
        opening.push(open(topic, partition, existence))
      }
      const opened: PartitionLog[] = []
      let failure: PromiseRejectedResult | undefined
      for (const result of await Promise.allSettled(opening)) {
        if (result.status === 'fulfilled') opened.push(result.value)
        else failure ??= result
      }
      if (failure === undefined) return opened
      for (const log of opened) await log.close()
      throw failure.reason
    },
    sync: () => files.syncFolder(parent),
  }
}
