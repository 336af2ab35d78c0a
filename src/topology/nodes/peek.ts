import { peek } from '../operators/peek.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth, stateless } from './stateless.ts'

/** `KStream.peek`. */
export interface PeekNode extends NodeBase<'peek'> {
  readonly action: UserFunction<[key: unknown, value: unknown], void>
}

export const peekRule = stateless<PeekNode>({
  prefix: 'KSTREAM-PEEK-',
  key: 'kept',
  serdes: keepsBoth,
  supplier: ({ action }) => peek(action),
})
