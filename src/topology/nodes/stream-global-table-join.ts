import type { NodeRule } from '../compile/rule.ts'
import { type TableJoin, streamTableJoin } from '../operators/stream-table-join.ts'
import type { NodeBase, NodeId } from './node.ts'
import { keepsKey } from './stateless.ts'

/** `KStream.join` and `leftJoin` with a global table; its only parent is the stream. */
export interface StreamGlobalTableJoinNode extends NodeBase<'streamGlobalTableJoin'>, TableJoin {
  readonly table: NodeId
}

export const streamGlobalTableJoinRule: NodeRule<StreamGlobalTableJoinNode> = {
  key: 'kept',
  // Kafka Streams calls both joins a left join.
  names: (node, counter) => ({ name: counter.name(node.name, 'KSTREAM-LEFTJOIN-') }),
  serdes: (_, [input = {}]) => keepsKey(input),
  emit(node, emission) {
    emission.processor({ supplier: streamTableJoin(node, emission.viewOf(node.table)) })
  },
}
