import type { KeyValueStore } from '../key-value-store.ts'
import type { RowReader } from '../row-reader.ts'
import type { KeyRange as ByteRange } from '../store-engine.ts'
import { rowTimestamp, rowValue } from '../stored-row.ts'
import type { KeyRange, KeyValueRow, ReadOnlyKeyValueStore } from '../stores.ts'

/** A key-value store as queries see it; what they get does not count as use of a row. */
export function keyValueReader(
  store: KeyValueStore,
  rows: RowReader,
): ReadOnlyKeyValueStore<unknown, unknown> {
  async function* range(bounds: ByteRange): AsyncIterable<KeyValueRow<unknown, unknown>> {
    for await (const [key, row] of rows.entries(bounds)) yield store.decode(key, row)
  }
  return {
    name: store.name,
    get(key) {
      const row = rows.get(store.serdes.keyBytes(key))
      if (row === undefined) return undefined
      return { value: store.serdes.value(rowValue(row)), timestamp: rowTimestamp(row) }
    },
    range: keys => range(boundsOf(store, keys)),
    all: () => range({}),
    async approximateNumEntries() {
      let entries = 0
      for await (const _ of rows.entries()) entries++
      return entries
    },
  }
}

function boundsOf(store: KeyValueStore, range: KeyRange<unknown>): ByteRange {
  const { from, to, reverse = false } = store.bounds(range)
  return {
    ...(from !== undefined && { from: Buffer.from(from, 'latin1') }),
    ...(to !== undefined && { to: Buffer.from(to, 'latin1') }),
    reverse,
  }
}
