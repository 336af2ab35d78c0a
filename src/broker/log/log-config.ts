import type { CompressionCodec } from '../../protocol/compression.ts'

/**
 * Settings of one partition's log, under Kafka's topic settings in camelCase with their units. The defaults are
 * Kafka's, except where a line says otherwise.
 */
export interface LogConfig {
  /** Size at which a segment is closed and the next one begun (`segment.bytes`). */
  readonly segmentBytes: number
  /** Span of time after which a segment is closed (`segment.ms`). */
  readonly segmentMs: number
  /** How much sooner it may be, so that not all segments are closed at once (`segment.jitter.ms`). */
  readonly segmentJitterMs: number
  /** Bytes of log between two entries of the indexes (`index.interval.bytes`). */
  readonly indexIntervalBytes: number
  /** Largest batch a producer may send (`max.message.bytes`). */
  readonly maxMessageBytes: number
  /** The codec in which batches are kept, or the one they come in (`compression.type`; its `uncompressed` is `none`). */
  readonly compressionType: 'producer' | CompressionCodec
  /** For batches that come in another codec (`compression.gzip.level`, `compression.zstd.level`); the codec's own if undefined. */
  readonly compressionLevel: number | undefined
  /** Whose clock stamps the records (`message.timestamp.type`). */
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime'
  /** How far behind the broker's clock a record's timestamp may be (`message.timestamp.before.max.ms`). */
  readonly messageTimestampBeforeMaxMs: number
  /**
   * How far ahead of the broker's clock it may be (`message.timestamp.after.max.ms`). Kafka 4 says one hour; event time
   * of a simulation or a test is often ahead, so here it is unlimited, as in Kafka 3.
   */
  readonly messageTimestampAfterMaxMs: number
  /**
   * Age at which whole segments are deleted (`retention.ms`); -1 for never. The age is that of the newest record by its own
   * timestamp, as in Kafka: records of years ago, replayed today, go at the next look.
   */
  readonly retentionMs: number
  /** Size of the log above which its oldest segments are deleted (`retention.bytes`); -1 for unlimited. */
  readonly retentionBytes: number
  /** Whether only the newest record of each key is kept (`cleanup.policy` with `compact`). */
  readonly isCompacted: boolean
  /** How long a tombstone stays after compaction has first met it (`delete.retention.ms`). */
  readonly deleteRetentionMs: number
  /** Age below which a record is not compacted, by its own timestamp (`min.compaction.lag.ms`). */
  readonly minCompactionLagMs: number
  /** Age at which a record is compacted even if little else would go (`max.compaction.lag.ms`). */
  readonly maxCompactionLagMs: number
  /** Part of the log that must be new before it is compacted (`min.cleanable.dirty.ratio`). */
  readonly minCleanableDirtyRatio: number
  /** How long an idle producer's sequence is remembered (`producer.id.expiration.ms`). */
  readonly producerIdExpirationMs: number
  /**
   * `commit`: readers see, and `durable` waits for, what an fdatasync has made durable. `os`: what is written is seen
   * and acknowledged at once and reaches the device when the operating system likes, as Kafka does by default; a power
   * loss then takes acknowledged records with it. `interval`: as `os`, but flushed every so many records
   * (`flushIntervalMessages`) and whenever `PartitionLog.requestFlush` is called.
   */
  readonly flush: 'commit' | 'os' | 'interval'
  /** Records after which `flush: 'interval'` flushes (`log.flush.interval.messages`). */
  readonly flushIntervalMessages: number
  /** Bytes of durable log between two recovery points: at most about this much is scanned after an unclean stop. */
  readonly recoveryPointIntervalBytes: number
}

const day = 86_400_000

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1 << 30,
  segmentMs: 7 * day,
  segmentJitterMs: 0,
  indexIntervalBytes: 4096,
  maxMessageBytes: 1_048_588,
  compressionType: 'producer',
  compressionLevel: undefined,
  messageTimestampType: 'CreateTime',
  messageTimestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  messageTimestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
  retentionMs: 7 * day,
  retentionBytes: -1,
  isCompacted: false,
  deleteRetentionMs: day,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  minCleanableDirtyRatio: 0.5,
  producerIdExpirationMs: day,
  flush: 'commit',
  flushIntervalMessages: 10_000,
  recoveryPointIntervalBytes: 16 << 20,
}
