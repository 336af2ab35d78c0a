import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { withKey } from '../record.ts'

/** Forwards each record with a new key. `KStreamMap`, as `selectKey` and `groupBy` use it. */
export function selectKey(
  mapper: UserFunction<[key: unknown, value: unknown], unknown>,
): ProcessorSupplier {
  return context => ({
    process(record) {
      context.forward(withKey(record, mapper(record.key, record.value)))
    },
  })
}
