// The declarations speak of Buffer and AbortSignal.
/// <reference types="node" preserve="true" />
export { createLogClient } from './client/kafka-client.ts'
export type { LogClient, TopicPartition } from './client/log-client.ts'
export { wireConnector } from './client/wire-connection.ts'
export type { SaslOptions } from './client/sasl.ts'
export type { Branched, BranchedKStream } from './dsl/branched-kstream.ts'
export { type App, type AppOptions, defineApp } from './dsl/define-app.ts'
export type { GlobalKTable } from './dsl/global-ktable.ts'
export type { KGroupedStream } from './dsl/kgrouped-stream.ts'
export type { SessionWindowedKStream, TimeWindowedKStream } from './dsl/windowed-kstream.ts'
export type {
  CogroupedKStream,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from './dsl/cogrouped-kstream.ts'
export type { EmitStrategy } from './topology/operators/closed-windows.ts'
export type { KGroupedTable } from './dsl/kgrouped-table.ts'
export type { KStream } from './dsl/kstream.ts'
export type { KTable } from './dsl/ktable.ts'
export type {
  BuildOptions,
  Consumed,
  ConsumedGlobalTable,
  ConsumedTable,
  Deduplicated,
  DeduplicatedById,
  Grouped,
  GroupedTable,
  Joined,
  Materialized,
  MaterializedTransform,
  MaterializedWindows,
  Named,
  Printed,
  Processed,
  Produced,
  Repartitioned,
  StreamJoined,
  SuppressOptions,
  TableJoined,
} from './dsl/options.ts'
export {
  keyValueStore,
  type KeyValueStoreOptions,
  lruStore,
  sessionStore,
  versionedKeyValueStore,
  type StoreOptions,
  timestampedKeyValueStore,
  timestampedWindowStore,
  windowStore,
  type WindowStoreOptions,
} from './dsl/stores.ts'
export { StreamsBuilder } from './dsl/streams-builder.ts'
export type {
  ProcessingGuarantee,
  StreamsConfig,
  UncaughtExceptionHandler,
  UncaughtExceptionResponse,
} from './dsl/streams-config.ts'
export {
  type BufferConfig,
  type StrictBufferConfig,
  type UntilTimeLimit,
  type UntilWindowCloses,
  untilTimeLimit,
  untilWindowCloses,
} from './dsl/suppressed.ts'
export { type FilledFrom, TopologyBuilder } from './dsl/topology-builder.ts'
export { type ErrorCode, MillraceError } from './errors.ts'
export { type Logger, type LogLevel, jsonLogger, silentLogger, textLogger } from './logger.ts'
export { nodePlatform } from './platform/node-platform.ts'
export type { ClientTls, Platform } from './platform/platform.ts'
export type { CompressionCodec } from './protocol/compression.ts'
export {
  type Application,
  type ApplicationOptions,
  type CloseOptions,
  startApplication,
} from './runtime/application.ts'
export { cleanUp, type CleanUpOptions } from './runtime/clean-up.ts'
export type { ApplicationState } from './runtime/application-state.ts'
export type { ApplicationMetrics } from './runtime/metrics/application-metrics.ts'
export type {
  RestoreListener,
  StandbyUpdateListener,
  SuspendReason,
} from './runtime/restore-listener.ts'
export {
  queryClient,
  type QueryClient,
  type QueryClientOptions,
  type RemoteRequest,
  type RemoteResult,
} from './runtime/http/query-client.ts'
export type { RemoteOptions } from './runtime/http/query-url.ts'
export type { PartitionAnswer } from './runtime/http/remote-answer.ts'
export type { LagInfo } from './runtime/queries/instance-queries.ts'
export type { Position } from './runtime/queries/position.ts'
export {
  keyQuery,
  multiVersionedKeyQuery,
  type PartitionResult,
  type Query,
  type QueryFailure,
  type QueryRequest,
  type QueryResult,
  rangeQuery,
  type Role,
  sessionQuery,
  sessionRangeQuery,
  versionedKeyQuery,
  windowKeyQuery,
  windowRangeQuery,
} from './runtime/queries/query.ts'
export type { StoreQueryOptions } from './runtime/queries/store-view.ts'
export type {
  InstanceMetadata,
  KeyQueryMetadata,
  StoreMetadata,
  StreamsMetadata,
} from './runtime/queries/streams-metadata.ts'
export { boolean } from './serde/boolean.ts'
export { bytes } from './serde/bytes.ts'
export { json } from './serde/json.ts'
export { list } from './serde/list.ts'
export { double, float, integer, long, short } from './serde/numbers.ts'
export type { Serde } from './serde/serde.ts'
export type { SchemaOutput, StandardSchema } from './serde/standard-schema.ts'
export { string } from './serde/string.ts'
export { uuid } from './serde/uuid.ts'
export { voidSerde } from './serde/void-serde.ts'
export { type WindowEnds, type Windowed, sessionWindowed, windowed } from './serde/windowed.ts'
export type {
  KeyRange,
  KeyValue,
  KeyValueRow,
  KeyValueStore,
  PlainWindowRow,
  ReadOnlyKeyValueStore,
  ReadOnlySessionStore,
  ReadOnlyVersionedKeyValueStore,
  ReadOnlyWindowStore,
  SessionKeyRange,
  SessionRange,
  SessionRow,
  SessionStore,
  TimeRange,
  TimestampedKeyValueStore,
  TimestampedWindowStore,
  ValueAndTimestamp,
  VersionedKeyValueStore,
  VersionedRecord,
  VersionRange,
  WindowRange,
  WindowRow,
  WindowStore,
} from './state/stores.ts'
export { describe } from './topology/describe.ts'
export { diffTopologies } from './topology/diff-topologies.ts'
export type { Severity, TopologyChange } from './topology/diff/topology-change.ts'
export type { Optimization, Optimizations } from './topology/optimization.ts'
export type { AsyncCall, AsyncOptions } from './topology/async-call.ts'
export type { AsyncProcessor, AsyncProcessorSupplier } from './topology/async-processor.ts'
export {
  type DeadLetterRecord,
  type DeserializationErrorContext,
  type DeserializationExceptionHandler,
  type ErrorHandlerContext,
  type ExceptionDecision,
  type ExceptionResponse,
  type ProcessingErrorContext,
  type ProcessingExceptionHandler,
  type ProductionErrorContext,
  type ProductionExceptionHandler,
  type ResponseWithDeadLetters,
  logAndContinue,
  logAndFail,
} from './topology/exception-handlers.ts'
export type {
  FixedKeyProcessor,
  FixedKeyProcessorContext,
  FixedKeyProcessorSupplier,
  FixedKeyRecord,
} from './topology/fixed-key-processor.ts'
export type {
  Cancellable,
  Processor,
  ProcessorContext,
  ProcessorSupplier,
  ProcessorWrapper,
  Punctuator,
  ScheduleOptions,
  StoreReference,
} from './topology/processor.ts'
export type {
  Header,
  Headers,
  RecordContext,
  RecordMetadata,
  StreamRecord,
} from './topology/record.ts'
export type { TaskConfig } from './topology/task-config.ts'
export {
  type RecordOrigin,
  type TimestampExtractor,
  failOnInvalidTimestamp,
  logAndSkipOnInvalidTimestamp,
  usePartitionTimeOnInvalidTimestamp,
  wallclockTimestamp,
} from './topology/timestamp-extractors.ts'
export type { ConnectedStore, StoreBuilder } from './topology/store-builder.ts'
export type {
  ValueTransformer,
  ValueTransformerContext,
  ValueTransformerSupplier,
} from './topology/value-transformer.ts'
export { toMermaid } from './topology/to-mermaid.ts'
export type { InternalTopic, Topology } from './topology/topology.ts'
export {
  type GlobalStoreDescription,
  type NodeDescription,
  type ProcessorDescription,
  type SinkDescription,
  type SourceDescription,
  type StoreDescription,
  type SubtopologyDescription,
  type TopologyDescription,
  describeTopology,
} from './topology/topology-description.ts'
export type { DurationLike } from './windowing/duration.ts'
export { type JoinWindows, type JoinWindowsOptions, joinWindows } from './windowing/join-windows.ts'
export { type CalendarOptions, type CalendarUnit, calendar } from './windowing/calendar-windows.ts'
export { type SessionWindows, sessions } from './windowing/session-windows.ts'
export { type SlidingWindows, sliding } from './windowing/sliding-windows.ts'
export {
  type HoppingOptions,
  type TimeWindows,
  type TumblingOptions,
  hopping,
  tumbling,
} from './windowing/time-windows.ts'
export { type UnlimitedOptions, unlimited } from './windowing/unlimited-windows.ts'
export type { TimeWindow, WindowOptions, Windows } from './windowing/windows.ts'
