import type { Emission } from '../compile/emission.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { FixedKeyProcessorSupplier } from '../fixed-key-processor.ts'
import { userProcessor, userValuesProcessor } from '../operators/user-processor.ts'
import type { ProcessorSupplier } from '../processor.ts'
import { type ConnectedStore, storeName } from '../store-builder.ts'
import type { NodeBase } from './node.ts'
import { keepsKey, keepsNothing } from './stateless.ts'

/** `KStream.process`. */
export interface ProcessNode extends NodeBase<'process'> {
  readonly supplier: ProcessorSupplier
  readonly stores: readonly ConnectedStore[]
}

/** `KStream.processValues`. */
export interface ProcessValuesNode extends NodeBase<'processValues'> {
  readonly supplier: FixedKeyProcessorSupplier
  readonly stores: readonly ConnectedStore[]
}

// A given name uses up no number, unlike those of other operators.
export const processRule: NodeRule<ProcessNode> = {
  key: 'changed',
  names: ({ name }, counter) => ({ name: name ?? counter.generate('KSTREAM-PROCESSOR-') }),
  serdes: keepsNothing,
  emit: ({ supplier, stores }, emission) =>
    emitProcessor(emission, userProcessor(supplier), stores),
}

export const processValuesRule: NodeRule<ProcessValuesNode> = {
  key: 'kept',
  value: 'changed',
  names: ({ name }, counter) => ({ name: name ?? counter.generate('KSTREAM-PROCESSVALUES-') }),
  serdes: (_, [input = {}]) => keepsKey(input),
  emit: ({ supplier, stores }, emission) =>
    emitProcessor(emission, userValuesProcessor(supplier), stores),
}

/** A user's processor with the stores that it uses. */
export function emitProcessor(
  emission: Emission,
  supplier: ProcessorSupplier,
  stores: readonly ConnectedStore[],
): void {
  emission.processor({ supplier, stores: stores.map(storeName), isUserDefined: true })
  for (const store of stores) if (typeof store !== 'string') emission.addStore(store)
}
