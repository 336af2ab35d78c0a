import {
  type DeserializationExceptionHandler,
  type ProcessingExceptionHandler,
  type ProductionExceptionHandler,
  type TaskConfig,
  type TimestampExtractor,
  failOnInvalidTimestamp,
  logAndContinue,
  logAndFail,
  logAndSkipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
  wallclockTimestamp,
} from '../../src/index.ts'

/** What Kafka's settings of time and errors are here; those of other things are left alone. */
export function taskConfigOf(config: Readonly<Record<string, string>>): TaskConfig {
  return Object.assign(
    {},
    ...Object.entries(config).map(([name, value]) => taskSettings[name]?.(value) ?? {}),
  )
}

/** Whether the setting is one of time or errors, with a value that we have. */
export function isTaskSetting(name: string, value: string): boolean {
  return taskSettings[name]?.(value) !== undefined
}

const taskSettings: Readonly<Record<string, (value: string) => TaskConfig | undefined>> = {
  'deserialization.exception.handler': value => {
    const handler = handlers[value]
    return handler && { deserializationExceptionHandler: handler }
  },
  'processing.exception.handler': value => {
    const handler = handlers[value]
    return handler && { processingExceptionHandler: handler }
  },
  'production.exception.handler': value => {
    const handler = handlers[value]
    return handler && { productionExceptionHandler: handler }
  },
  'errors.dead.letter.queue.topic.name': deadLetterTopic => ({ deadLetterTopic }),
  'default.timestamp.extractor': value => {
    const timestampExtractor = extractors[value]
    return timestampExtractor && { timestampExtractor }
  },
  'statestore.cache.max.bytes': value => ({ cacheMaxBytes: Number(value) }),
  'max.task.idle.ms': value => ({ maxTaskIdleMs: Number(value) }),
}

const inErrors = (name: string): string => `org.apache.kafka.streams.errors.${name}`
const handlers: Readonly<
  Record<
    string,
    DeserializationExceptionHandler & ProcessingExceptionHandler & ProductionExceptionHandler
  >
> = {
  [inErrors('LogAndContinueExceptionHandler')]: logAndContinue,
  [inErrors('LogAndContinueProcessingExceptionHandler')]: logAndContinue,
  [inErrors('LogAndFailExceptionHandler')]: logAndFail,
  [inErrors('LogAndFailProcessingExceptionHandler')]: logAndFail,
  [inErrors('DefaultProductionExceptionHandler')]: logAndFail,
  'oracle.SkipUnsendable': () => 'continue',
}

const inProcessor = (name: string): string => `org.apache.kafka.streams.processor.${name}`
const extractors: Readonly<Record<string, TimestampExtractor>> = {
  [inProcessor('FailOnInvalidTimestamp')]: failOnInvalidTimestamp,
  [inProcessor('LogAndSkipOnInvalidTimestamp')]: logAndSkipOnInvalidTimestamp,
  [inProcessor('UsePartitionTimeOnInvalidTimestamp')]: usePartitionTimeOnInvalidTimestamp,
  [inProcessor('WallclockTimestampExtractor')]: wallclockTimestamp,
}
