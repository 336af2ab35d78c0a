import type { Serde } from '../../serde/serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import type { TimestampExtractor } from '../timestamp-extractors.ts'
import type { OffsetReset } from '../topology.ts'
import type { NodeBase } from './node.ts'

/** `StreamsBuilder.stream`. */
export interface StreamSourceNode extends NodeBase<'streamSource'> {
  readonly topics: readonly string[]
  /** In place of topics: all whose whole names match. */
  readonly pattern?: RegExp | undefined
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly timestamp?: TimestampExtractor | undefined
  readonly offsetReset?: OffsetReset | undefined
}

export const streamSourceRule: NodeRule<StreamSourceNode> = {
  key: 'settled',
  names: (node, counter) => ({ name: counter.name(node.name, 'KSTREAM-SOURCE-') }),
  serdes: ({ key, value }) => ({ key, value }),
  emit({ topics, pattern, key, value, timestamp, offsetReset }, emission) {
    const { name } = emission.names
    emission.source({
      name,
      topics,
      ...(pattern && { pattern }),
      key,
      value,
      ...(timestamp && { timestamp }),
      ...(offsetReset && { offsetReset }),
    })
  },
}
