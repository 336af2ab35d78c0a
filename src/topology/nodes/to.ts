import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { partitionerFor } from '../partitioner.ts'
import type { Partitioner, TopicNameExtractor } from '../topology.ts'
import type { NodeBase } from './node.ts'

/** `KStream.to`. */
export interface ToNode extends NodeBase<'to'> {
  readonly topic: string | TopicNameExtractor
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
    const isChosen = typeof topic !== 'string'
    const call = (part: string): string =>
      isChosen ? `to(…, { ${part}: … })` : `to('${topic}', { ${part}: … })`
    const where = isChosen ? 'topics that are chosen' : `topic ${topic}`
    const { serdes } = emission
    const key = emission.require(serdes.key, `the keys of the ${where}`, call('key'))
    const value = emission.require(serdes.value, `the values of the ${where}`, call('value'))
    emission.sink({ topic, key, value, ...partitionerFor(key, partitioner) })
  },
}
