import type { UserFunction } from '../user-function.ts'
import type { ProcessorSupplier } from '../processor.ts'

/** Forwards the records whose predicate is `keep`. Null keys and values reach the predicate. `KStreamFilter`. */
export function filter(
  predicate: UserFunction<[key: unknown, value: unknown], boolean>,
  { keep }: { keep: boolean },
): ProcessorSupplier {
  return context => ({
    process(record) {
      if (predicate(record.key, record.value) === keep) context.forward(record)
    },
  })
}
