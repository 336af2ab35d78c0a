import { split } from '../operators/split.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth } from './stateless.ts'

/** `KStream.split`. Its children are its branches, in the order in which they are asked, the default branch last. */
export type SplitNode = NodeBase<'split'>

export const splitRule: NodeRule<SplitNode> = {
  key: 'kept',
  names: (node, counter) => ({ name: counter.name(node.name, 'KSTREAM-BRANCH-') }),
  serdes: (_, [input = {}]) => keepsBoth(input),
  emit(_, emission) {
    const branches = emission.children.flatMap(([node, name]) =>
      node.kind === 'branch' ? [{ name, predicate: node.predicate }] : [],
    )
    emission.processor({ supplier: split(branches) })
  },
}
