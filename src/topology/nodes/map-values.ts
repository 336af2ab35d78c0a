import { mapValues } from '../operators/map-values.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsKey, stateless } from './stateless.ts'

/** `KStream.mapValues`. */
export interface MapValuesNode extends NodeBase<'mapValues'> {
  readonly mapper: UserFunction<[value: unknown, key: unknown], unknown>
}

export const mapValuesRule = stateless<MapValuesNode>({
  prefix: 'KSTREAM-MAPVALUES-',
  key: 'kept',
  value: 'changed',
  serdes: keepsKey,
  supplier: ({ mapper }) => mapValues(mapper),
})
