import { MillraceError } from '../errors.ts'
import type { KeyValueStore } from '../state/key-value-store.ts'
import type { KeyValueRow, ReadOnlyKeyValueStore, ValueAndTimestamp } from '../state/stores.ts'

/**
 * A global table as tasks and queries see it: they can only read it (Kafka Streams' `AbstractReadOnlyDecorator`). Damage in
 * it is not damage of the task that reads: it stops the application, after `onDamage`, with CORRUPT_DATA.
 */
export function globalStoreView(
  store: KeyValueStore,
  onDamage: () => void,
): ReadOnlyKeyValueStore<unknown, unknown> {
  const damaged = (error: unknown): unknown => {
    if (!(error instanceof MillraceError) || error.code !== 'TASK_CORRUPTED') return error
    onDamage()
    return new MillraceError(
      'CORRUPT_DATA',
      `The global table ${store.name} is damaged on disk. Start the application again: it reads the table anew.`,
      { cause: error },
    )
  }
  return {
    name: store.name,
    get(key): ValueAndTimestamp<unknown> | undefined {
      try {
        return store.get(key)
      } catch (error) {
        throw damaged(error)
      }
    },
    async *all(): AsyncIterable<KeyValueRow<unknown, unknown>> {
      try {
        yield* store.all()
      } catch (error) {
        throw damaged(error)
      }
    },
  }
}
