import { passThrough } from '../operators/pass-through.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth, stateless } from './stateless.ts'

/** `KStream.markAsPartitioned`: no repartition topic after it, whatever was done to the key before. KIP-759. */
export type MarkAsPartitionedNode = NodeBase<'markAsPartitioned'>

export const markAsPartitionedRule = stateless<MarkAsPartitionedNode>({
  prefix: 'KSTREAM-PARTITIONED-',
  key: 'settled',
  serdes: keepsBoth,
  supplier: () => passThrough,
})
