/**
 * Settings of a topic that this broker knows, under Kafka's names. A setting that it does not know is refused, so that
 * nobody believes in an effect that is not there. `cleanup.policy=compact` keeps everything so far: the log is never
 * deleted by age or size then, and compaction itself is not built.
 */
import { errorCode } from '../protocol/error-codes.ts'
import { defaultLogConfig, type LogConfig } from './log/log-config.ts'
import { RequestRefused } from './request-refused.ts'

/** Settings that differ from the default, as texts. */
export type TopicConfigs = ReadonlyMap<string, string>

export interface TopicConfigDefinition {
  readonly name: string
  readonly type: 'string' | 'int' | 'long' | 'list'
  readonly defaultValue: string
  readonly documentation: string
  /** What is wrong with a value, as the end of a sentence; null when it is fine. */
  problem(value: string): string | null
}

const MAX_INT = 2147483647

export const topicConfigDefinitions: readonly TopicConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    defaultValue: 'delete',
    documentation:
      'Which old records may go: "delete" by age and size, "compact" all but the newest of each key.',
    problem: value =>
      value.split(',').every(policy => ['delete', 'compact'].includes(policy.trim()))
        ? null
        : 'must be "delete", "compact" or "compact,delete"',
  },
  integer('max.message.bytes', 'int', defaultLogConfig.maxMessageBytes, 0, 'Largest batch.'),
  {
    name: 'message.timestamp.type',
    type: 'string',
    defaultValue: defaultLogConfig.messageTimestampType,
    documentation: 'Whose clock stamps the records: the producer’s or the broker’s.',
    problem: value =>
      value === 'CreateTime' || value === 'LogAppendTime'
        ? null
        : 'must be "CreateTime" or "LogAppendTime"',
  },
  integer(
    'retention.bytes',
    'long',
    defaultLogConfig.retentionBytes,
    -1,
    'Size of a partition above which its oldest segments are deleted; -1 for unlimited.',
  ),
  integer(
    'retention.ms',
    'long',
    defaultLogConfig.retentionMs,
    -1,
    'Age at which segments are deleted; -1 for never.',
  ),
  integer(
    'segment.bytes',
    'int',
    defaultLogConfig.segmentBytes,
    14,
    'Size at which a segment is closed and the next one begun.',
  ),
  integer(
    'segment.ms',
    'long',
    defaultLogConfig.segmentMs,
    1,
    'Time after which a segment is closed although it is not full.',
  ),
]

const byName = new Map(topicConfigDefinitions.map(definition => [definition.name, definition]))

function integer(
  name: string,
  type: 'int' | 'long',
  defaultValue: number,
  min: number,
  documentation: string,
): TopicConfigDefinition {
  const max = type === 'int' ? MAX_INT : Number.MAX_SAFE_INTEGER
  return {
    name,
    type,
    defaultValue: String(defaultValue),
    documentation,
    problem(value) {
      // Clients say "unlimited" as the largest 64-bit number, which is no safe integer: it means the same here.
      const parsed = /^-?\d+$/.test(value) ? Number(value) : NaN
      if (parsed >= min && (parsed <= max || type === 'long')) return null
      return `must be a whole number from ${min} to ${max}`
    },
  }
}

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
  return valueOf(configs, 'cleanup.policy')
    .split(',')
    .some(policy => policy.trim() === 'delete')
}

/** What a topic's settings mean for the logs of its partitions. */
export function logConfigFor(configs: TopicConfigs, flush: LogConfig['flush']): LogConfig {
  const number = (name: string): number =>
    Math.min(Number(valueOf(configs, name)), Number.MAX_SAFE_INTEGER)
  const deletes = isDeleting(configs)
  return {
    ...defaultLogConfig,
    flush,
    maxMessageBytes: number('max.message.bytes'),
    messageTimestampType:
      valueOf(configs, 'message.timestamp.type') === 'LogAppendTime'
        ? 'LogAppendTime'
        : 'CreateTime',
    retentionBytes: deletes ? number('retention.bytes') : -1,
    retentionMs: deletes ? number('retention.ms') : -1,
    segmentBytes: number('segment.bytes'),
    segmentMs: number('segment.ms'),
  }
}

function valueOf(configs: TopicConfigs, name: string): string {
  return configs.get(name) ?? byName.get(name)?.defaultValue ?? ''
}
