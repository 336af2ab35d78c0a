/** What was set for a topic: checked against topic-config-definitions.ts, and what it means for the topic's logs. */
import { errorCode } from '../protocol/error-codes.ts'
import { defaultLogConfig, type LogConfig } from './log/log-config.ts'
import { RequestRefused } from './request-refused.ts'
import { topicConfigDefinitions } from './topic-config-definitions.ts'

/** Settings that differ from the default, as texts. */
export type TopicConfigs = ReadonlyMap<string, string>

const byName = new Map(topicConfigDefinitions.map(definition => [definition.name, definition]))

/** Checks settings and drops nothing. Throws RequestRefused INVALID_CONFIG naming the first that cannot be used. */
export function checkTopicConfigs(
  configs: Iterable<{ readonly name: string; readonly value: string | null }>,
): TopicConfigs {
  const checked = new Map<string, string>()
  for (const { name, value } of configs) {
    const definition = byName.get(name)
    if (definition === undefined) {
      throw new RequestRefused(
        errorCode.INVALID_CONFIG,
        `The topic setting ${JSON.stringify(name)} is not known to this broker. It knows ${[...byName.keys()].join(', ')}.`,
      )
    }
    const problem = value === null ? 'needs a value' : definition.problem(value)
    if (value === null || problem !== null) {
      throw new RequestRefused(
        errorCode.INVALID_CONFIG,
        `The topic setting ${name}=${JSON.stringify(value)} cannot be used: it ${problem}.`,
      )
    }
    checked.set(name, value)
  }
  return checked
}

export function isDeleting(configs: TopicConfigs): boolean {
  return hasPolicy(configs, 'delete')
}

function hasPolicy(configs: TopicConfigs, name: 'delete' | 'compact'): boolean {
  return valueOf(configs, 'cleanup.policy')
    .split(',')
    .some(policy => policy.trim() === name)
}

/** What a topic's settings mean for the logs of its partitions. When they are flushed the broker says too. */
export function logConfigFor(
  configs: TopicConfigs,
  { flush, flushIntervalMessages }: Pick<LogConfig, 'flush' | 'flushIntervalMessages'>,
): LogConfig {
  const number = (name: string): number =>
    Math.min(Number(valueOf(configs, name)), Number.MAX_SAFE_INTEGER)
  const deletes = isDeleting(configs)
  const isCompacted = hasPolicy(configs, 'compact')
  const maxCompactionLagMs = number('max.compaction.lag.ms')
  const isFlushed = ['flush.messages', 'flush.ms'].some(name => isLimited(number(name)))
  return {
    ...defaultLogConfig,
    isCompacted,
    deleteRetentionMs: number('delete.retention.ms'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs,
    minCleanableDirtyRatio: number('min.cleanable.dirty.ratio'),
    ...compressionOf(valueOf(configs, 'compression.type'), number),
    flush: isFlushed ? 'commit' : flush,
    flushIntervalMessages,
    indexIntervalBytes: number('index.interval.bytes'),
    maxMessageBytes: number('max.message.bytes'),
    messageTimestampType:
      valueOf(configs, 'message.timestamp.type') === 'LogAppendTime'
        ? 'LogAppendTime'
        : 'CreateTime',
    messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    retentionBytes: deletes ? number('retention.bytes') : -1,
    retentionMs: deletes ? number('retention.ms') : -1,
    segmentBytes: number('segment.bytes'),
    segmentJitterMs: number('segment.jitter.ms'),
    // An active segment is not compacted: it must not stay one longer than its records may wait.
    segmentMs: Math.min(number('segment.ms'), isCompacted ? maxCompactionLagMs : Infinity),
  }
}

function compressionOf(
  type: string,
  number: (name: string) => number,
): Pick<LogConfig, 'compressionType' | 'compressionLevel'> {
  switch (type) {
    case 'uncompressed':
      return { compressionType: 'none', compressionLevel: undefined }
    case 'gzip':
    case 'zstd':
      return { compressionType: type, compressionLevel: number(`compression.${type}.level`) }
    case 'snappy':
    case 'lz4':
      return { compressionType: type, compressionLevel: undefined }
    default:
      return { compressionType: 'producer', compressionLevel: undefined }
  }
}

function isLimited(value: number): boolean {
  return value < Number.MAX_SAFE_INTEGER
}

function valueOf(configs: TopicConfigs, name: string): string {
  return configs.get(name) ?? byName.get(name)?.defaultValue ?? ''
}
