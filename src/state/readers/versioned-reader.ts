import type { RowReader } from '../row-reader.ts'
import type { ReadOnlyVersionedKeyValueStore } from '../stores.ts'
import type { VersionedStore } from '../versioned-store.ts'

/** A versioned store as queries see it. `observedTime` is the largest time that was put into what is read. */
export function versionedReader(
  store: VersionedStore,
  [latest, history]: readonly [RowReader, RowReader],
  observedTime: () => number,
): ReadOnlyVersionedKeyValueStore<unknown, unknown> {
  const reader = store.reader([latest, history], observedTime)
  return {
    name: store.name,
    get: (key, asOf) => reader.get(key, asOf),
    async *versions(key, { from = 0, to = Infinity, reverse = false } = {}) {
      const versions = [...reader.versions(key)]
      for (const version of reverse ? versions.toReversed() : versions) {
        if (version.timestamp <= to && version.validTo > from) yield version
      }
    },
    async *all() {
      for await (const [key, row] of latest.entries()) yield store.keyed(key, row)
    },
  }
}
