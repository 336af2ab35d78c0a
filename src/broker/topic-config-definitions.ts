/**
 * The settings of a topic that this broker takes, under Kafka's names, those of Kafka 4. Clients and Kafka Streams
 * set more of them than one node has a use for, so there are three kinds:
 *
 * - settings with an effect, in force as soon as they are altered (`logConfigFor` says what they do);
 * - settings that can have none here, whatever their value, because what they would tune does not exist on one node or
 *   changes no result: taken, stored and described, and their documentation says that they do nothing;
 * - settings that would have one which is not built: only the value that describes what the broker does is taken, any
 *   other is refused with the reason.
 *
 * Anything else is refused, so that nobody believes in an effect that is not there.
 */
import { defaultLogConfig } from './log/log-config.ts'

export interface TopicConfigDefinition {
  readonly name: string
  readonly type: 'boolean' | 'string' | 'int' | 'long' | 'double' | 'list'
  readonly defaultValue: string
  /** Told to clients that ask for it. */
  readonly documentation: string
  /** What is wrong with a value, as the end of a sentence; null when it is fine. */
  problem(value: string): string | null
}

const MAX_INT = 2147483647
/** "Never" and "unlimited", as clients say it: the largest 64-bit number. */
const MAX_LONG = '9223372036854775807'
const FLUSHED_SOONER =
  'With a value the topic is flushed before every acknowledgement, also by a broker that leaves flushing to the operating system: earlier than asked for, never later.'
const COMPRESSION_TYPES = ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd']

export const topicConfigDefinitions: readonly TopicConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    defaultValue: 'delete',
    documentation:
      'Which old records may go: "delete" by age and size, "compact" all but the newest of each key, both together as "compact,delete". Records for a compacted topic need a key.',
    problem: value =>
      value.split(',').every(policy => ['delete', 'compact'].includes(policy.trim()))
        ? null
        : 'must be "delete", "compact" or "compact,delete"',
  },
  {
    name: 'compression.type',
    type: 'string',
    defaultValue: 'producer',
    documentation:
      'The codec in which batches are kept: "producer" for the one they come in, which costs nothing; otherwise those in another codec are compressed anew by the broker. "uncompressed" for none.',
    problem: value =>
      COMPRESSION_TYPES.includes(value) ? null : `must be one of ${COMPRESSION_TYPES.join(', ')}`,
  },
  level('compression.gzip.level', -1, value => value === -1 || (value >= 1 && value <= 9), {
    range: '-1, for the default, or from 1 to 9',
    documentation:
      'How hard gzip tries where `compression.type=gzip` makes the broker compress; -1 for its default.',
  }),
  level('compression.lz4.level', 9, value => value >= 1 && value <= 17, {
    range: 'from 1 to 17',
    documentation: unused('LZ4 has one level'),
  }),
  level('compression.zstd.level', 3, value => value >= -131072 && value <= 22, {
    range: 'from -131072 to 22',
    documentation: 'How hard zstd tries where `compression.type=zstd` makes the broker compress.',
  }),
  integer(
    'delete.retention.ms',
    'long',
    defaultLogConfig.deleteRetentionMs,
    0,
    'How long a tombstone of a compacted topic stays after compaction has first met it.',
  ),
  // A deleted segment is read by nobody: readers get bytes, never the file.
  integer('file.delete.delay.ms', 'long', 60_000, 0, unused('files are removed at once')),
  {
    ...unlimited('flush.messages', 1),
    documentation: FLUSHED_SOONER,
  },
  {
    ...unlimited('flush.ms', 0),
    documentation: FLUSHED_SOONER,
  },
  // There is one replica of everything.
  list('follower.replication.throttled.replicas', unused('there are no followers')),
  list('leader.replication.throttled.replicas', unused('there are no followers')),
  integer(
    'index.interval.bytes',
    'int',
    defaultLogConfig.indexIntervalBytes,
    0,
    'Bytes of log between two index entries, from the next segment on.',
  ),
  only('local.retention.bytes', 'long', '-2', 'there is no tiered storage'),
  only('local.retention.ms', 'long', '-2', 'there is no tiered storage'),
  {
    ...unlimited('max.compaction.lag.ms', 1),
    documentation:
      'Age at which records of a compacted topic are compacted at the next look, however little is new; their segment is closed for it.',
  },
  integer('max.message.bytes', 'int', defaultLogConfig.maxMessageBytes, 0, 'Largest batch.'),
  {
    ...unlimited('message.timestamp.after.max.ms', 0),
    documentation:
      'How far ahead of the broker’s clock a record may be stamped. Unlimited by default, as in Kafka 3: event time of a simulation is often ahead.',
  },
  {
    ...unlimited('message.timestamp.before.max.ms', 0),
    documentation: 'How far behind the broker’s clock a record may be stamped.',
  },
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
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    defaultValue: String(defaultLogConfig.minCleanableDirtyRatio),
    documentation:
      'Part of the closed segments of a compacted topic that must be new before it is compacted, from 0 to 1.',
    problem: value =>
      /^(0(\.\d+)?|1(\.0+)?|\.\d+)$/.test(value) ? null : 'must be a number from 0 to 1',
  },
  integer(
    'min.compaction.lag.ms',
    'long',
    defaultLogConfig.minCompactionLagMs,
    0,
    'Age below which records are not compacted, by their timestamps.',
  ),
  only('min.insync.replicas', 'int', '1', 'there is one broker, so one replica'),
  // Space set aside in advance; the file ends where the log ends all the same.
  boolean('preallocate', unused('files grow as they are written')),
  only('remote.storage.enable', 'boolean', 'false', 'there is no tiered storage'),
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
    'Age at which segments are deleted, by the timestamps of their records: records of long ago go at the next look, however new they are in the topic. -1 for never.',
  ),
  integer(
    'segment.bytes',
    'int',
    defaultLogConfig.segmentBytes,
    14,
    'Size at which a segment is closed and the next one begun.',
  ),
  // Indexes are sparse and held in memory; they end with their segment.
  integer('segment.index.bytes', 'int', 10_485_760, 4, unused('indexes are not preallocated')),
  integer(
    'segment.jitter.ms',
    'long',
    defaultLogConfig.segmentJitterMs,
    0,
    'By how much segments may be closed sooner than `segment.ms` says, each by another part of it, so that not all are closed at once.',
  ),
  integer(
    'segment.ms',
    'long',
    defaultLogConfig.segmentMs,
    1,
    'Time after which a segment is closed although it is not full.',
  ),
  // The one replica leads, and an election never takes place.
  boolean('unclean.leader.election.enable', unused('there are no elections')),
]

function unused(why: string): string {
  return `Has no effect here: ${why}.`
}

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
      // The largest 64-bit number is no safe integer; `logConfigFor` takes the largest safe one for it.
      const parsed = /^-?\d{1,19}$/.test(value) ? Number(value) : NaN
      if (parsed >= min && (parsed <= max || type === 'long')) return null
      return `must be a whole number from ${min} to ${type === 'long' ? MAX_LONG : max}`
    },
  }
}

/** A level of compression: a whole number of those that the codec has. */
function level(
  name: string,
  defaultValue: number,
  isLevel: (value: number) => boolean,
  told: { readonly range: string; readonly documentation: string },
): TopicConfigDefinition {
  return {
    name,
    type: 'int',
    defaultValue: String(defaultValue),
    documentation: told.documentation,
    problem: value =>
      /^-?\d{1,6}$/.test(value) && isLevel(Number(value))
        ? null
        : `must be a whole number ${told.range}`,
  }
}

/** A number that is without limit unless it is given. */
function unlimited(name: string, min: number): TopicConfigDefinition {
  return { ...integer(name, 'long', min, min, ''), defaultValue: MAX_LONG }
}

/** Takes the one value that says what is done anyhow. */
function only(
  name: string,
  type: TopicConfigDefinition['type'],
  value: string,
  why: string,
): TopicConfigDefinition {
  return {
    name,
    type,
    defaultValue: value,
    documentation: `Can only be "${value}": ${why}.`,
    problem: given => (given === value ? null : `can only be "${value}": ${why}`),
  }
}

function boolean(name: string, documentation: string): TopicConfigDefinition {
  return {
    name,
    type: 'boolean',
    defaultValue: 'false',
    documentation,
    problem: value => (value === 'true' || value === 'false' ? null : 'must be "true" or "false"'),
  }
}

function list(name: string, documentation: string): TopicConfigDefinition {
  return { name, type: 'list', defaultValue: '', documentation, problem: () => null }
}
