import { int64Bytes } from '../../protocol/int64.ts'
import type { RowReader } from '../row-reader.ts'
import { segmentBytes } from '../segments.ts'
import { rowTimestamp, rowValue } from '../stored-row.ts'
import type { ReadOnlyWindowStore, WindowRange, WindowRow } from '../stores.ts'
import { keyOf, startOf, windowBytes, type WindowStore } from '../window-store.ts'
import { keyBounds } from './key-bounds.ts'

/** A window store as queries see it. `observedTime` is the largest start that was put into what is read. */
export function windowReader(
  store: WindowStore,
  rows: RowReader,
  observedTime: () => number,
): ReadOnlyWindowStore<unknown, unknown> {
  const { serdes, segments } = store
  const span = ({ from = 0, to = Infinity }): { from: number; to: number } => ({
    from: Math.max(from, store.oldestAt(observedTime()), 0),
    to: Math.min(to, observedTime()),
  })
  async function* fetchAll(
    range: WindowRange<unknown>,
  ): AsyncIterable<WindowRow<unknown, unknown>> {
    const { from, to } = span(range)
    if (from > to) return
    const isWanted = keyBounds(range, serdes)
    const bounds = {
      from: int64Bytes(segments.of(from)),
      to: int64Bytes(segments.of(to) + 1),
      reverse: range.reverse ?? false,
    }
    for await (const [key, row] of rows.entries(bounds)) {
      const start = startOf(key)
      if (start >= from && start <= to && isWanted(keyOf(key))) yield store.decode(key, row)
    }
  }
  return {
    name: store.name,
    fetch(key, windowStart) {
      const keyBytes = serdes.keyBytes(key)
      if (windowStart < store.oldestAt(observedTime())) return undefined
      const row = rows.get(store.rowKey(segments.of(windowStart), keyBytes, windowStart, 0))
      if (row === undefined) return undefined
      return { value: serdes.value(rowValue(row)), timestamp: rowTimestamp(row) }
    },
    async *fetchRange(key, range = {}) {
      const keyBytes = serdes.keyBytes(key)
      const length = segmentBytes + keyBytes.length + windowBytes
      const { from, to } = span(range)
      const reverse = range.reverse ?? false
      if (from > to) return
      const [first, last] = [segments.of(from), segments.of(to)]
      for (let step = 0; step <= last - first; step++) {
        const segment = reverse ? last - step : first + step
        const bounds = {
          from: store.rowKey(segment, keyBytes, from, 0),
          to: store.rowKey(segment, keyBytes, to + 1, 0),
          reverse,
        }
        for await (const [rowKey, row] of rows.entries(bounds)) {
          // Rows of longer keys may lie between.
          if (rowKey.length === length) yield store.decode(rowKey, row)
        }
      }
    },
    fetchAll,
    all: () => fetchAll({}),
  }
}
