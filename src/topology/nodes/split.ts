import { split } from '../operators/split.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { UserFunction } from '../user-function.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth } from './stateless.ts'

/** `KStream.split`. Its children are its branches, in the order of the predicates, the default branch last. */
export interface SplitNode extends NodeBase<'split'> {
  readonly predicates: readonly UserFunction<[key: unknown, value: unknown], boolean>[]
}

export const splitRule: NodeRule<SplitNode> = {
  key: 'kept',
  names: (node, counter) => ({ name: counter.name(node.name, 'KSTREAM-BRANCH-') }),
  serdes: (_, [input = {}]) => keepsBoth(input),
  emit: ({ predicates }, emission) =>
    emission.processor({ supplier: split(predicates, emission.childNames) }),
}
