import type { ProcessorSupplier } from '../processor.ts'
import type { UserFunction } from '../user-function.ts'

/** A child of the node and what records have to be to go there. */
export interface Branch {
  readonly name: string
  readonly predicate: UserFunction<[key: unknown, value: unknown], boolean>
}

/**
 * Forwards each record to the first branch whose predicate is true for it; one that no branch takes vanishes. Null keys and
 * values reach the predicates. `KStreamBranch`.
 */
export function split(branches: readonly Branch[]): ProcessorSupplier {
  return context => ({
    process(record) {
      for (const { name, predicate } of branches) {
        if (!predicate(record.key, record.value)) continue
        context.forward(record, name)
        return
      }
    },
  })
}
