// The declarations speak of Buffer and AbortSignal.
/// <reference types="node" preserve="true" />
/** `millrace/testing`: what the tests of an application need. */
export {
  type Forwarded,
  MockProcessorContext,
  type MockProcessorContextOptions,
  type MockPunctuation,
} from './mock-processor-context.ts'
export { TestApplication } from './test-application.ts'
export type { KillOptions, TestApplicationOptions } from './test-application.ts'
export { TestDriver } from './test-driver.ts'
export type { SettleOptions, TestDriverOptions } from './test-driver.ts'
export type {
  TestKeyValueStore,
  TestSessionStore,
  TestVersionedStore,
  TestWindowStore,
} from './test-stores.ts'
export type { TopologySource } from './topology-source.ts'
export type { PipeOptions, TestInputTopic, TopicSerdes } from './test-input-topic.ts'
export type { TestOutputTopic, TestRecord } from './test-output-topic.ts'
export type { ProducedRecord } from './test-topics.ts'
