import type { Windowed } from '../../serde/windowed.ts'
import type { WindowStore } from '../../state/window-store.ts'
import type { Windows } from '../../windowing/windows.ts'
import { isOperatorContext } from '../operator-context.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change } from '../record.ts'
import type { Aggregation, AggregationOptions } from './aggregate.ts'
import { closedWindows } from './closed-windows.ts'
import { forwardFinal } from './forward-final.ts'
import { observedTime } from './observed-time.ts'
import { tableForwarder } from './table-forwarder.ts'

/**
 * Folds the values of each key and window, windows in ascending order of their starts. A window is closed when its end
 * is not after the largest timestamp that this operator has seen, minus the grace; a record is dropped once for each of
 * its windows that is closed. Null keys are dropped before they move time; null values go to the aggregator. On window close,
 * windows go out by start, then key, once they are closed. `KStreamWindowAggregate`.
 */
export function windowedAggregate(
  { initializer, aggregator }: Aggregation,
  windows: Windows,
  { store: storeName, sendsOldValues, emit }: AggregationOptions,
): ProcessorSupplier {
  const { graceMs } = windows
  return context => {
    const store = context.store<WindowStore>(storeName)
    const streamTime = observedTime(context)
    const isFinal = emit === 'onWindowClose'
    const forward = isFinal ? null : tableForwarder(context, storeName, sendsOldValues)
    // Kafka Streams' cache keeps a row longer than its store, which hears of the time only with the next commit.
    const withExpired = isOperatorContext(context) && context.isCached(storeName)
    const closed = closedWindows(context, storeName, time => windows.lastEnded(time))
    return {
      process(record) {
        const { key, value, timestamp, headers } = record
        if (key === null) {
          context.drop('the key is null')
          return
        }
        if (timestamp > streamTime.value) streamTime.value = timestamp
        const closeTime = streamTime.value - graceMs
        const first = windows.firstStart(timestamp)
        for (let start = first; start <= timestamp; start = windows.nextStart(start)) {
          const end = windows.endOf(start)
          if (end <= closeTime) {
            context.drop('its window is closed')
            continue
          }
          const row = withExpired ? store.fetchStored(key, start) : store.fetch(key, start)
          const before = row === undefined ? initializer() : row.value
          const after = aggregator(key, value, before) ?? null
          const time = row === undefined ? timestamp : Math.max(timestamp, row.timestamp)
          store.put(key, after, start, after === null ? timestamp : time)
          if (forward === null) continue
          const windowed: Windowed<unknown> = { key, window: { start, end } }
          const change: Change<unknown> = {
            newValue: after,
            oldValue: sendsOldValues ? before : null,
          }
          forward({ key: windowed, value: change, timestamp: time, headers }, record)
        }
        const span = isFinal ? closed(closeTime) : null
        if (span !== null) forwardFinal(store, span, { windows, headers, context, withExpired })
      },
    }
  }
}
