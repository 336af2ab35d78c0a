// The declarations speak of Buffer.
/// <reference types="node" preserve="true" />
/** `millrace/testing/properties`: laws to assert of a topology, and records to assert them with. Needs fast-check. */
export { inputRecords } from './input-records.ts'
export type {
  AnyInputRecord,
  InputRecord,
  InputRecords,
  InputRecordsOptions,
  InputTopicOptions,
} from './input-records.ts'
export { laws } from './laws.ts'
export type { InterleavingOptions, LateRecordsOptions, LawOptions, Laws } from './laws.ts'
