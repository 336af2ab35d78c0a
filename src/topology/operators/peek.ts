import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'

/** Shows each record to the action and forwards it as it is. `KStreamPeek`; `foreach` is the same without children. */
export function peek(
  action: UserFunction<[key: unknown, value: unknown], void>,
): ProcessorSupplier {
  return context => ({
    process(record) {
      action(record.key, record.value)
      context.forward(record)
    },
  })
}
