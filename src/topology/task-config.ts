import { MillraceError } from '../errors.ts'
import { topicNameProblem } from '../protocol/topic-name.ts'
import type {
  DeserializationExceptionHandler,
  ProcessingExceptionHandler,
  ProductionExceptionHandler,
} from './exception-handlers.ts'
import { logAndFail, retryOrFail } from './exception-handlers.ts'
import { failOnInvalidTimestamp, type TimestampExtractor } from './timestamp-extractors.ts'

/**
 * How the tasks of an application treat time and errors. Given with the app, and overruled where it is started or tested.
 * Kafka Streams' `TopologyConfig.TaskConfig`.
 */
export interface TaskConfig {
  /** Decides about input records that cannot be read. @defaultValue logAndFail */
  readonly deserializationExceptionHandler?: DeserializationExceptionHandler
  /** Decides about records in whose processing a node throws. @defaultValue logAndFail */
  readonly processingExceptionHandler?: ProcessingExceptionHandler
  /**
   * Decides about output records that cannot be written.
   * @defaultValue `retry` for those that the log does not take for now, logAndFail for others
   */
  readonly productionExceptionHandler?: ProductionExceptionHandler
  /**
   * Topic to which the built-in handlers write the input records that failed (KIP-1034). Created with the output topics if
   * it does not exist.
   * @defaultValue none
   */
  readonly deadLetterTopic?: string
  /**
   * Whether records that operators refuse (without a key, late, with a negative timestamp) go to the `deadLetterTopic`
   * too, with the reason.
   * @defaultValue false
   */
  readonly deadLetterDroppedRecords?: boolean
  /** Event time of records of sources that say nothing of it. @defaultValue failOnInvalidTimestamp */
  readonly timestampExtractor?: TimestampExtractor
  /**
   * How long in milliseconds a task that has records of some inputs waits for records of the others, once it has read
   * these to their ends: the longer, the fewer records are processed out of order across inputs. With 0 it waits only
   * until it has read everything there is, with -1 not even that. `max.task.idle.ms` of Kafka Streams.
   * @defaultValue 0
   */
  readonly maxTaskIdleMs?: number
  /**
   * How many bytes of updates of tables an instance may hold back, all tasks together. Of several updates of a row only the
   * last one goes on: with the next commit, or earlier when there is no more room, or at once when this is 0.
   * `statestore.cache.max.bytes` of Kafka Streams, whose default is 10 MiB: there, and here with a cache, a join of tables can
   * keep a row that is gone on both sides, because it never hears of one that came and went within a commit.
   * @defaultValue 0
   */
  readonly cacheMaxBytes?: number
}

/** A `TaskConfig` with every default resolved. */
export type ResolvedTaskConfig = Required<Omit<TaskConfig, 'deadLetterTopic'>> & {
  readonly deadLetterTopic: string | undefined
}

/** What was given with the app, overruled by what was given later. Throws INVALID_CONFIG for what cannot work. */
export function resolveTaskConfig(
  app: TaskConfig,
  overruling: TaskConfig = {},
): ResolvedTaskConfig {
  const of = <Name extends keyof TaskConfig>(name: Name): TaskConfig[Name] =>
    overruling[name] ?? app[name]
  const config: ResolvedTaskConfig = {
    deserializationExceptionHandler: of('deserializationExceptionHandler') ?? logAndFail,
    processingExceptionHandler: of('processingExceptionHandler') ?? logAndFail,
    productionExceptionHandler: of('productionExceptionHandler') ?? retryOrFail,
    deadLetterTopic: of('deadLetterTopic'),
    deadLetterDroppedRecords: of('deadLetterDroppedRecords') ?? false,
    timestampExtractor: of('timestampExtractor') ?? failOnInvalidTimestamp,
    maxTaskIdleMs: of('maxTaskIdleMs') ?? 0,
    cacheMaxBytes: of('cacheMaxBytes') ?? 0,
  }
  check(config)
  return config
}

function check({
  deadLetterTopic,
  deadLetterDroppedRecords,
  maxTaskIdleMs,
  cacheMaxBytes,
}: ResolvedTaskConfig): void {
  if (!(maxTaskIdleMs >= 0 || maxTaskIdleMs === -1)) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `maxTaskIdleMs is ${maxTaskIdleMs}. Give a number of milliseconds, or -1 for tasks that do not wait.`,
    )
  }
  if (!Number.isInteger(cacheMaxBytes) || cacheMaxBytes < 0) {
    throw new MillraceError(
      'INVALID_CONFIG',
      `cacheMaxBytes is ${cacheMaxBytes}. Give a whole number of bytes, or 0 for tables that forward each update at once.`,
    )
  }
  if (deadLetterDroppedRecords && deadLetterTopic === undefined) {
    throw new MillraceError(
      'INVALID_CONFIG',
      'deadLetterDroppedRecords is on, but there is no topic for the records. Give a deadLetterTopic.',
    )
  }
  const problem = deadLetterTopic === undefined ? null : topicNameProblem(deadLetterTopic)
  if (problem !== null) {
    throw new MillraceError('INVALID_CONFIG', `The deadLetterTopic '${deadLetterTopic}' ${problem}`)
  }
}
