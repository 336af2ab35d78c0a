import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { withValue } from '../record.ts'

/** Forwards each record with a new value. A null value reaches the mapper. `KStreamMapValues`. */
export function mapValues(
  mapper: UserFunction<[value: unknown, key: unknown], unknown>,
): ProcessorSupplier {
  return context => ({
    process(record) {
      context.forward(withValue(record, mapper(record.value, record.key)))
    },
  })
}
