import type { NodeRule, Serdes } from '../compile/rule.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { NodeBase } from './node.ts'

/** The rule of a node that is one processor without stores. */
export function stateless<N extends NodeBase>(options: {
  prefix: string
  key: 'kept' | 'changed' | 'settled'
  value?: 'changed'
  /** What stays of the parent's serdes. */
  serdes: (input: Serdes) => Serdes
  supplier: (node: N) => ProcessorSupplier
}): NodeRule<N> {
  return {
    key: options.key,
    ...(options.value && { value: options.value }),
    names: (node, counter) => ({ name: counter.name(node.name, options.prefix) }),
    serdes: (_, [input = {}]) => options.serdes(input),
    emit: (node, emission) => emission.processor({ supplier: options.supplier(node) }),
  }
}

export const keepsBoth = (input: Serdes): Serdes => input
export const keepsKey = ({ key }: Serdes): Serdes => ({ key })
export const keepsValue = ({ value }: Serdes): Serdes => ({ value })
export const keepsNothing = (): Serdes => ({})
