import { filter } from '../operators/filter.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth, stateless } from './stateless.ts'

/** `KStream.filter` and `filterNot`. */
export interface FilterNode extends NodeBase<'filter'> {
  readonly predicate: UserFunction<[key: unknown, value: unknown], boolean>
  /** The result of the predicate for records that stay. */
  readonly keep: boolean
}

export const filterRule = stateless<FilterNode>({
  prefix: 'KSTREAM-FILTER-',
  key: 'kept',
  serdes: keepsBoth,
  supplier: ({ predicate, keep }) => filter(predicate, { keep }),
})
