import { map } from '../operators/map.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsNothing, stateless } from './stateless.ts'

/** `KStream.map`. */
export interface MapNode extends NodeBase<'map'> {
  readonly mapper: UserFunction<[key: unknown, value: unknown], readonly [unknown, unknown]>
}

export const mapRule = stateless<MapNode>({
  prefix: 'KSTREAM-MAP-',
  key: 'changed',
  serdes: keepsNothing,
  supplier: ({ mapper }) => map(mapper),
})
