import type { AsyncProcessorSupplier } from '../async-processor.ts'
import type { NodeRule } from '../compile/rule.ts'
import { userAsyncProcessor } from '../operators/user-processor.ts'
import type { ConnectedStore } from '../store-builder.ts'
import { type AsyncNode, asyncOptionsOf } from './async.ts'
import { emitProcessor } from './process.ts'
import { keepsNothing } from './stateless.ts'

/** `KStream.processAsync`. */
export interface ProcessAsyncNode extends AsyncNode<'processAsync'> {
  readonly supplier: AsyncProcessorSupplier
  readonly stores: readonly ConnectedStore[]
}

export const processAsyncRule: NodeRule<ProcessAsyncNode> = {
  key: 'changed',
  names: ({ name }, counter) => ({ name: name ?? counter.generate('KSTREAM-PROCESSOR-ASYNC-') }),
  serdes: keepsNothing,
  emit(node, emission) {
    const { supplier, stores } = node
    const options = asyncOptionsOf(node, emission)
    emitProcessor(emission, userAsyncProcessor(supplier, options), stores)
  },
}
