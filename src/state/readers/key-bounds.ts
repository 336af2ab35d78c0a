import type { StoreSerdes } from '../store-serdes.ts'

/** Tells whether the bytes of a key lie between two keys, both included. */
export function keyBounds(
  { fromKey, toKey }: { readonly fromKey?: unknown; readonly toKey?: unknown },
  serdes: StoreSerdes,
): (key: Buffer) => boolean {
  const first = fromKey === undefined ? null : serdes.keyBytes(fromKey)
  const last = toKey === undefined ? null : serdes.keyBytes(toKey)
  return key =>
    (first === null || Buffer.compare(key, first) >= 0) &&
    (last === null || Buffer.compare(key, last) <= 0)
}
