import { forwardHeld } from '../forward-held.ts'
import { type HandOn, isOperatorContext } from '../operator-context.ts'
import type { ProcessorContext } from '../processor.ts'
import type { Change, StreamRecord } from '../record.ts'

/**
 * Hands on an update of a table whose row was just put into the store: at once, or, if the store is cached, with the next flush
 * unless another update of the row comes before. Then a deletion has time and headers of its `cause`, the record that was
 * processed, and the old value is the row as of the last flush; a row that came and went since then leaves nothing. Kafka
 * Streams' `TimestampedTupleForwarder` and `TimestampedCacheFlushListener`.
 */
export type TableForwarder = (update: TableUpdate, cause: Cause) => void

type TableUpdate = StreamRecord<unknown, Change<unknown>>
type Cause = Pick<TableUpdate, 'timestamp' | 'headers'>

export function tableForwarder(
  context: ProcessorContext,
  store: string,
  sendsOldValues: boolean,
): TableForwarder {
  const cache = isOperatorContext(context) ? context.cacheOf(store, handOn) : undefined
  if (cache === undefined) return update => context.forward(update)
  return ({ key, value, timestamp }, cause) => {
    const isDeletion = value.newValue === null
    const update: TableUpdate = {
      key,
      value,
      timestamp: isDeletion ? cause.timestamp : timestamp,
      headers: cause.headers,
    }
    // What the store refuses is handed on all the same, as without a cache.
    if (!cache.hold({ update, metadata: context.recordMetadata })) context.forward(update)
  }

  function handOn(...[{ update, metadata }, before, valueOf]: Parameters<HandOn>): void {
    const { newValue } = update.value
    const oldValue = sendsOldValues && before !== undefined ? valueOf(before) : null
    const { key, timestamp, headers } = update
    forwardHeld(context, { key, value: { newValue, oldValue }, timestamp, headers }, metadata)
  }
}
