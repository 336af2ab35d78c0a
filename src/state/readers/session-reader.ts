import type { RowReader } from '../row-reader.ts'
import { segmentBytes } from '../segments.ts'
import { endOf, sessionBytes, type SessionRows, startOf } from '../session-store.ts'
import { rowValue } from '../stored-row.ts'
import type { ReadOnlySessionStore, SessionKeyRange, SessionRow } from '../stores.ts'
import { keyBounds } from './key-bounds.ts'

/** A session store as queries see it. `observedTime` is the largest end that was put into what is read. */
export function sessionReader(
  store: SessionRows,
  rows: RowReader,
  observedTime: () => number,
): ReadOnlySessionStore<unknown, unknown> {
  const { serdes, segments } = store
  const oldest = (): number => Math.max(segments.oldestAt(observedTime()), 0)
  async function* fetchAll(
    range: SessionKeyRange<unknown>,
  ): AsyncIterable<SessionRow<unknown, unknown>> {
    const { earliestEnd = 0, latestStart = Infinity, reverse = false } = range
    const isWanted = keyBounds(range, serdes)
    const from = Math.max(earliestEnd, oldest())
    for await (const [key, row] of rows.entries({ reverse })) {
      const keyBytes = key.subarray(segmentBytes, key.length - sessionBytes)
      if (endOf(key) < from || startOf(key) > latestStart || !isWanted(keyBytes)) continue
      yield store.decode(key, row)
    }
  }
  return {
    name: store.name,
    fetchSession(key, start, end) {
      const keyBytes = serdes.keyBytes(key)
      if (end < oldest()) return undefined
      const row = rows.get(store.rowKey(segments.of(end), keyBytes, end, start))
      return row === undefined ? undefined : serdes.value(rowValue(row))
    },
    async *findSessions(key, { earliestEnd = 0, latestStart = Infinity, reverse = false } = {}) {
      const keyBytes = serdes.keyBytes(key)
      const length = segmentBytes + keyBytes.length + sessionBytes
      const from = Math.max(earliestEnd, oldest())
      const last = observedTime()
      if (from > last) return
      const [low, high] = [segments.of(from), segments.of(last)]
      for (let step = 0; step <= high - low; step++) {
        const segment = reverse ? high - step : low + step
        const bounds = {
          from: store.rowKey(segment, keyBytes, from, 0),
          to: store.rowKey(segment, keyBytes, last + 1, 0),
          reverse,
        }
        for await (const [rowKey, row] of rows.entries(bounds)) {
          // Rows of longer keys may lie between.
          if (rowKey.length === length && startOf(rowKey) <= latestStart) {
            yield store.decode(rowKey, row)
          }
        }
      }
    },
    fetchAll,
    all: () => fetchAll({}),
  }
}
