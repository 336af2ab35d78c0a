import type { Windowed } from '../../serde/windowed.ts'
import type { TimestampedWindowStore } from '../../state/stores.ts'
import type { TimeWindows } from '../../windowing/time-windows.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Change } from '../record.ts'
import type { Aggregation } from './aggregate.ts'

/**
 * Folds the values of each key and window, windows in ascending order of their starts. A window is closed when its end
 * is not after the largest timestamp that this operator has seen, minus the grace; a record is dropped once for each of
 * its windows that is closed. Null keys are dropped before they move time; null values go to the aggregator.
 * `KStreamWindowAggregate`.
 */
export function windowedAggregate(
  { initializer, aggregator }: Aggregation,
  windows: TimeWindows,
  { store: storeName, sendsOldValues }: { store: string; sendsOldValues: boolean },
): ProcessorSupplier {
  const { sizeMs, advanceMs, graceMs } = windows
  return context => {
    const store = context.store<TimestampedWindowStore<unknown, unknown>>(storeName)
    let observedStreamTime = -1
    return {
      process({ key, value, timestamp, headers }) {
        if (key === null) {
          context.drop('the key is null')
          return
        }
        observedStreamTime = Math.max(observedStreamTime, timestamp)
        const closed = observedStreamTime - graceMs
        for (let start = windows.firstStart(timestamp); start <= timestamp; start += advanceMs) {
          const end = start + sizeMs
          if (end <= closed) {
            context.drop('its window is closed')
            continue
          }
          const row = store.fetch(key, start)
          const before = row === undefined ? initializer() : row.value
          const after = aggregator(key, value, before) ?? null
          const time = row === undefined ? timestamp : Math.max(timestamp, row.timestamp)
          store.put(key, after, start, after === null ? timestamp : time)
          const windowed: Windowed<unknown> = { key, window: { start, end } }
          const change: Change<unknown> = {
            newValue: after,
            oldValue: sendsOldValues ? before : null,
          }
          context.forward({ key: windowed, value: change, timestamp: time, headers })
        }
      },
    }
  }
}
