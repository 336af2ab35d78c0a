import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { withValue } from '../record.ts'

/** Forwards a record for each value, in order, depth first. A null value reaches the mapper. `KStreamFlatMapValues`. */
export function flatMapValues(
  mapper: UserFunction<[value: unknown, key: unknown], Iterable<unknown>>,
): ProcessorSupplier {
  return context => ({
    process(record) {
      for (const value of mapper(record.value, record.key))
        context.forward(withValue(record, value))
    },
  })
}
