import { selectKey } from '../operators/select-key.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsValue, stateless } from './stateless.ts'

/** `KStream.selectKey`, and the first half of `groupBy`. */
export interface SelectKeyNode extends NodeBase<'selectKey'> {
  readonly mapper: UserFunction<[key: unknown, value: unknown], unknown>
}

export const selectKeyRule = stateless<SelectKeyNode>({
  prefix: 'KSTREAM-KEY-SELECT-',
  key: 'changed',
  serdes: keepsValue,
  supplier: ({ mapper }) => selectKey(mapper),
})
