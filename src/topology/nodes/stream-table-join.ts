import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { type TableJoin, streamTableJoin } from '../operators/stream-table-join.ts'
import type { NodeBase, NodeId } from './node.ts'

/** `KStream.join` and `leftJoin` with a table; parents are the stream and the table. */
export interface StreamTableJoinNode extends NodeBase<'streamTableJoin'> {
  readonly table: NodeId
  readonly join: 'inner' | 'left'
  readonly joiner: TableJoin['joiner']
  /** Serdes of the stream, for its repartition topic if it needs one. */
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
}

export const streamTableJoinRule: NodeRule<StreamTableJoinNode> = {
  key: 'settled',
  names(node, counter) {
    const repartitions = counter.repartition(0, node.name)
    const prefix = node.join === 'left' ? 'KSTREAM-LEFTJOIN-' : 'KSTREAM-JOIN-'
    return { name: counter.name(node.name, prefix), repartitions }
  },
  repartition: ({ name, parents: [stream = -1], key, value }) => ({
    serdes: { key, value },
    owner: stream,
    shared: name === undefined,
  }),
  serdes: (node, [stream]) => ({ key: node.key ?? stream?.key }),
  planTables: ({ table }, _, tables) => tables.lookUp(table),
  emit({ table, join, joiner }, emission) {
    const view = emission.viewOf(table)
    emission.copartition()
    emission.processor({
      supplier: streamTableJoin({ keySelector: key => key, joiner, join }, view),
      stores: view.stores,
      parents: [emission.parentName(0)],
    })
  },
}
