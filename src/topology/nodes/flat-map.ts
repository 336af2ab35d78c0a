import { flatMap } from '../operators/flat-map.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsNothing, stateless } from './stateless.ts'

/** `KStream.flatMap`. */
export interface FlatMapNode extends NodeBase<'flatMap'> {
  readonly mapper: UserFunction<
    [key: unknown, value: unknown],
    Iterable<readonly [unknown, unknown]>
  >
}

export const flatMapRule = stateless<FlatMapNode>({
  prefix: 'KSTREAM-FLATMAP-',
  key: 'changed',
  serdes: keepsNothing,
  supplier: ({ mapper }) => flatMap(mapper),
})
