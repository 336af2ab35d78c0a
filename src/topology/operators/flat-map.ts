import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'

/** Forwards a record for each pair, in order, all with the input's timestamp. `KStreamFlatMap`. */
export function flatMap(
  mapper: UserFunction<[key: unknown, value: unknown], Iterable<readonly [unknown, unknown]>>,
): ProcessorSupplier {
  return context => ({
    process({ key: oldKey, value: oldValue, timestamp, headers }) {
      for (const [key, value] of mapper(oldKey, oldValue)) {
        context.forward({ key, value, timestamp, headers })
      }
    },
  })
}
