import { peek } from '../operators/peek.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsNothing, stateless } from './stateless.ts'

/** `KStream.foreach`: nothing comes after it. */
export interface ForeachNode extends NodeBase<'foreach'> {
  readonly action: UserFunction<[key: unknown, value: unknown], void>
}

export const foreachRule = stateless<ForeachNode>({
  prefix: 'KSTREAM-FOREACH-',
  key: 'kept',
  serdes: keepsNothing,
  supplier: ({ action }) => peek(action),
})
