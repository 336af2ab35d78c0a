import type { NodeRule } from '../compile/rule.ts'
import { passThrough } from '../operators/pass-through.ts'
import type { NodeBase } from './node.ts'

/** `KStream.merge`: several parents, in no order between them. */
export type MergeNode = NodeBase<'merge'>

export const mergeRule: NodeRule<MergeNode> = {
  key: 'kept',
  names: (node, counter) => ({ name: counter.name(node.name, 'KSTREAM-MERGE-') }),
  // A serde stands for both streams only if it is the serde of both.
  serdes: (_, [one, two]) => ({
    key: one?.key === two?.key ? one?.key : undefined,
    value: one?.value === two?.value ? one?.value : undefined,
  }),
  emit: (_, emission) => emission.processor({ supplier: passThrough }),
}
