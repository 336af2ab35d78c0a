import type { ProcessorSupplier } from '../processor.ts'
import type { UserFunction } from '../user-function.ts'

/**
 * Forwards each record to the branch of the first predicate that is true for it; one that no predicate takes goes to the
 * default branch, which has none, or vanishes. Null keys and values reach the predicates. `KStreamBranch`.
 */
export function split(
  predicates: readonly UserFunction<[key: unknown, value: unknown], boolean>[],
  branches: readonly string[],
): ProcessorSupplier {
  return context => ({
    process(record) {
      let taken = 0
      for (const predicate of predicates) {
        if (predicate(record.key, record.value)) break
        taken++
      }
      const branch = branches[taken]
      if (branch !== undefined) context.forward(record, branch)
    },
  })
}
