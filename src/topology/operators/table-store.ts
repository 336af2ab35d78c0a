import type { TimestampedKeyValueStore } from '../../state/stores.ts'
import type { ProcessorContext } from '../processor.ts'

/** The rows of a table, open; undefined for a table without a store. */
export function tableStore(
  context: ProcessorContext,
  name: string | undefined,
): TimestampedKeyValueStore<unknown, unknown> | undefined {
  return name === undefined ? undefined : context.store(name)
}
