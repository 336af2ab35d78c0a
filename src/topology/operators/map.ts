import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'

/** Forwards each record with a new key and value. `KStreamMap`. */
export function map(
  mapper: UserFunction<[key: unknown, value: unknown], readonly [unknown, unknown]>,
): ProcessorSupplier {
  return context => ({
    process({ key: oldKey, value: oldValue, timestamp, headers }) {
      const [key, value] = mapper(oldKey, oldValue)
      context.forward({ key, value, timestamp, headers })
    },
  })
}
