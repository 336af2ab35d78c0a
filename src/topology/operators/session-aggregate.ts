import type { Windowed } from '../../serde/windowed.ts'
import type { SessionRows } from '../../state/session-store.ts'
import type { SessionRow } from '../../state/stores.ts'
import type { SessionWindows } from '../../windowing/session-windows.ts'
import { isOperatorContext } from '../operator-context.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type Change, type Headers, noHeaders, type StreamRecord } from '../record.ts'
import type { Aggregation, AggregationOptions } from './aggregate.ts'
import { closedWindows } from './closed-windows.ts'
import { observedTime } from './observed-time.ts'
import { tableForwarder } from './table-forwarder.ts'

/**
 * Folds the values of each key in sessions. A record is merged with the sessions that it reaches over the gap, the earliest
 * first: they are deleted, each with a tombstone, before the session that they become is written. A record is dropped when
 * that session ended before the largest timestamp seen, minus grace and gap; so one that is late alone is taken where it
 * joins a session that is open. Null keys are dropped before they move time; null values go to the aggregator.
 *
 * Results have the time of the session's end and no headers; only tombstones have an old value. On window close, sessions go
 * out by end, start and key, with the headers of the record that closed them. `KStreamSessionWindowAggregate`.
 */
export function sessionAggregate(
  { initializer, aggregator, merger = neverMerged }: Aggregation,
  { gapMs, graceMs }: SessionWindows,
  { store: storeName, sendsOldValues, emit }: AggregationOptions,
): ProcessorSupplier {
  return context => {
    const store = context.store<SessionRows>(storeName)
    const streamTime = observedTime(context)
    const isFinal = emit === 'onWindowClose'
    const forwardUpdate = isFinal ? null : tableForwarder(context, storeName, sendsOldValues)
    // Kafka Streams' cache keeps a session longer than its store.
    const withExpired = isOperatorContext(context) && context.isCached(storeName)
    const closed = closedWindows(context, storeName, closeTime => closeTime - 1)
    const merged: Session[] = []
    return {
      process({ key, value, timestamp, headers }) {
        if (key === null) {
          context.drop('the key is null')
          return
        }
        if (timestamp > streamTime.value) streamTime.value = timestamp
        const closeTime = streamTime.value - graceMs - gapMs
        let start = timestamp
        let end = timestamp
        let aggregate = initializer()
        merged.length = 0
        const reached = {
          earliestEnd: timestamp - gapMs,
          latestStart: timestamp + gapMs,
          withExpired,
        }
        for (const session of store.findSessions(key, reached)) {
          merged.push(session)
          aggregate = merger(key, aggregate, session.value)
          start = Math.min(start, session.start)
          end = Math.max(end, session.end)
        }
        if (end < closeTime) {
          context.drop('its session is closed')
        } else {
          // A session of this one instant is overwritten.
          if (start < end) for (const session of merged) remove(session, timestamp, headers)
          aggregate = aggregator(key, value, aggregate) ?? null
          store.put(key, aggregate, start, end, timestamp)
          update({ key, start, end }, { newValue: aggregate, oldValue: null }, headers)
        }
        const span = isFinal ? closed(closeTime) : null
        if (span === null) return
        for (const session of store.rowsByTime(span)) {
          context.forward(resultOf(session, { newValue: session.value, oldValue: null }, headers))
        }
      },
    }

    function remove(session: Session, timestamp: number, headers: Headers): void {
      // The store below the cache has nothing to delete any more, so nothing goes on.
      if (session.end < store.segments.oldest) {
        store.removeExpired(session, timestamp)
        return
      }
      store.put(session.key, null, session.start, session.end, timestamp)
      const oldValue = sendsOldValues ? session.value : null
      update(session, { newValue: null, oldValue }, headers)
    }

    /** `headers` are those of the record, which an update has only when it comes from a cache. */
    function update(session: SessionTime, change: Change<unknown>, headers: Headers): void {
      const timestamp = session.end
      forwardUpdate?.(resultOf(session, change, noHeaders), { timestamp, headers })
    }
  }
}

type Session = SessionRow<unknown, unknown>
type SessionTime = Pick<Session, 'key' | 'start' | 'end'>

function resultOf(
  { key, start, end }: SessionTime,
  value: Change<unknown>,
  headers: Headers,
): StreamRecord<Windowed<unknown>, Change<unknown>> {
  return { key: { key, window: { start, end } }, value, timestamp: end, headers }
}

function neverMerged(): never {
  throw new TypeError('An aggregation in sessions needs a merger')
}
