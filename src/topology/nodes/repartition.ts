import { MillraceError } from '../../errors.ts'
import type { Serde } from '../../serde/serde.ts'
import { changeSerde } from '../change-serde.ts'
import type { NodeRule } from '../compile/rule.ts'
import { dropNullKeys } from '../operators/drop-null-keys.ts'
import { passThrough } from '../operators/pass-through.ts'
import { partitionerFor } from '../partitioner.ts'
import { failOnInvalidTimestamp } from '../timestamp-extractors.ts'
import type { Partitioner } from '../topology.ts'
import type { NodeBase } from './node.ts'

/**
 * Out to an internal topic and in again, so that records are in the partition of their key. `KStream.repartition`, and
 * what the compiler puts in front of aggregations, joins and tables.
 */
export interface RepartitionNode extends NodeBase<'repartition'> {
  readonly key?: Serde<unknown> | undefined
  readonly value?: Serde<unknown> | undefined
  /** Number of partitions of the topic; by default that of the topics it comes from. */
  readonly partitions?: number | undefined
  readonly partitioner?: Partitioner | undefined
  /** Set where a left or outer join comes after it, which has a use for records without a key. */
  readonly keepsNullKeys?: boolean | undefined
  /** Set where the compiler has put it, because what follows needs it: the user did not ask for it. */
  readonly isImplied?: boolean | undefined
  /** Set where records are changes of a table, whose keys are never null. */
  readonly ofChanges?: boolean | undefined
}

export const repartitionRule: NodeRule<RepartitionNode> = {
  key: 'settled',
  names(node, counter) {
    const prefix = node.name ?? counter.generate('KSTREAM-REPARTITION-')
    const { source, ...names } = counter.repartitionTopic(prefix)
    return { name: source, ...names }
  },
  serdes: (node, [input]) => ({
    key: node.key ?? input?.key,
    value: node.value ?? input?.value,
  }),
  emit({ partitions, partitioner, keepsNullKeys, ofChanges }, emission) {
    const { name, topic = name, sink = name, filter } = emission.names
    const call = (part: string): string => `groupBy, join or repartition with { ${part}: … }`
    const { serdes } = emission
    if (partitions !== undefined && !(Number.isInteger(partitions) && partitions > 0)) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The topic ${topic} of ${name} cannot have ${partitions} partitions. Give a whole number of at least 1.`,
      )
    }
    const key = emission.require(serdes.key, `the keys of the topic ${topic}`, call('key'))
    const values = emission.require(serdes.value, `the values of the topic ${topic}`, call('value'))
    const value = ofChanges ? changeSerde(values) : values
    const fullTopic = emission.repartitionTopic(topic, partitions)
    if (filter !== undefined) {
      emission.processor({ name: filter, supplier: keepsNullKeys ? passThrough : dropNullKeys })
    }
    emission.sink({
      name: sink,
      ...(filter !== undefined && { parents: [filter] }),
      topic: fullTopic,
      key,
      value,
      ...partitionerFor(key, partitioner),
    })
    // Millrace wrote the timestamps, whatever the application's extractor makes of those from outside.
    emission.source({ name, topics: [fullTopic], key, value, timestamp: failOnInvalidTimestamp })
  },
}
