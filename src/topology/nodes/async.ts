import type { ResolvedAsyncOptions } from '../async-call.ts'
import type { Emission } from '../compile/emission.ts'
import type { NodeRule, Serdes } from '../compile/rule.ts'
import type { ProcessorSupplier } from '../processor.ts'
import type { Serde } from '../../serde/serde.ts'
import type { NodeBase } from './node.ts'

/** What nodes have whose work takes time. */
export interface AsyncNode<Kind extends string> extends NodeBase<Kind> {
  readonly options: Omit<ResolvedAsyncOptions, 'key'>
  /** By which keys are told apart; that of the stream if there is none. */
  readonly keySerde: Serde<unknown> | undefined
}

/** The rule of such a node that is one processor without stores. */
export function async<N extends AsyncNode<string>>(rule: {
  prefix: string
  key: 'kept' | 'changed'
  value?: 'changed'
  /** What stays of the parent's serdes. */
  serdes: (input: Serdes) => Serdes
  supplier: (node: N, options: ResolvedAsyncOptions) => ProcessorSupplier
}): NodeRule<N> {
  return {
    key: rule.key,
    ...(rule.value && { value: rule.value }),
    names: (node, counter) => ({ name: counter.name(node.name, rule.prefix) }),
    serdes: (_, [input = {}]) => rule.serdes(input),
    emit(node, emission) {
      const options = asyncOptionsOf(node, emission)
      emission.processor({ supplier: rule.supplier(node, options) })
    },
  }
}

export function asyncOptionsOf(
  { options, keySerde }: AsyncNode<string>,
  emission: Emission,
): ResolvedAsyncOptions {
  return { ...options, key: keySerde ?? emission.input.key }
}
