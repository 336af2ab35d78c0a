import { toStream } from '../operators/to-stream.ts'
import type { NodeBase } from './node.ts'
import { keepsBoth, stateless } from './stateless.ts'

/** `KTable.toStream`. */
export type ToStreamNode = NodeBase<'toStream'>

export const toStreamRule = stateless<ToStreamNode>({
  prefix: 'KTABLE-TOSTREAM-',
  key: 'settled',
  serdes: keepsBoth,
  supplier: () => toStream,
})
