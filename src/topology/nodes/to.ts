import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { partitionerFor } from '../partitioner.ts'
import type { Partitioner } from '../topology.ts'
import type { NodeBase } from './node.ts'

/** `KStream.to`. */
export interface ToNode extends NodeBase<'to'> {
  readonly topic: string
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
  readonly partitioner?: Partitioner | undefined
}

export const toRule: NodeRule<ToNode> = {
  key: 'kept',
  names: (node, counter) => ({ name: counter.name(node.name, 'KSTREAM-SINK-') }),
  serdes: (node, [input]) => ({
    key: node.key ?? input?.key,
    value: node.value ?? input?.value,
  }),
  emit({ topic, partitioner }, emission) {
    const call = (part: string): string => `to('${topic}', { ${part}: … })`
    const { serdes } = emission
    const key = emission.require(serdes.key, `the keys of the topic ${topic}`, call('key'))
    const value = emission.require(serdes.value, `the values of the topic ${topic}`, call('value'))
    emission.sink({ topic, key, value, ...partitionerFor(key, partitioner) })
  },
}
