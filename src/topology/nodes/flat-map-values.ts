import { flatMapValues } from '../operators/flat-map-values.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsKey, stateless } from './stateless.ts'

/** `KStream.flatMapValues`. */
export interface FlatMapValuesNode extends NodeBase<'flatMapValues'> {
  readonly mapper: UserFunction<[value: unknown, key: unknown], Iterable<unknown>>
}

export const flatMapValuesRule = stateless<FlatMapValuesNode>({
  prefix: 'KSTREAM-FLATMAPVALUES-',
  key: 'kept',
  value: 'changed',
  serdes: keepsKey,
  supplier: ({ mapper }) => flatMapValues(mapper),
})
