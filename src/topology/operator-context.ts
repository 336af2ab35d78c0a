import type { RecordCache } from '../state/record-cache.ts'
import type { AsyncWork, ResolvedAsyncOptions } from './async-call.ts'
import type { ProcessorContext } from './processor.ts'
import type { Change, RecordMetadata, StreamRecord } from './record.ts'

/**
 * What operators can do beyond what processors of applications can. A context that a processor wrapper made is only what
 * applications know: ask `isOperatorContext`.
 */
export interface OperatorContext extends ProcessorContext {
  /** Forwards a record while `recordMetadata` tells where that one came from. */
  forwardHeld(record: StreamRecord<unknown, unknown>, metadata: RecordMetadata | null): void
  /** Whether updates of a store may wait in a cache. */
  isCached(store: string): boolean
  /** The cache of a store, which will hand updates on as this node; undefined when the store is not cached. */
  cacheOf(store: string, handOn: HandOn): RecordCache<HeldUpdate> | undefined
  /** Whether this node is processing or punctuating now. */
  readonly isAtWork: boolean
  /** What begins to do work that takes time for a record; the task calls `completed` when it is done. */
  asyncCalls<R>(
    work: AsyncWork<R>,
    options: ResolvedAsyncOptions,
  ): (record: StreamRecord<unknown, unknown>) => void
}

/** An update of a table in the cache of its store, with where the record that caused it came from. */
export interface HeldUpdate {
  readonly update: StreamRecord<unknown, Change<unknown>>
  readonly metadata: RecordMetadata | null
}

/** Gets the row that was there before the update, too, and what reads its value. */
export type HandOn = (
  held: HeldUpdate,
  before: Buffer | undefined,
  valueOf: (row: Buffer) => unknown,
) => void

export function isOperatorContext(context: ProcessorContext): context is OperatorContext {
  return 'forwardHeld' in context
}
