import type { Serde } from '../../serde/serde.ts'
import { string } from '../../serde/string.ts'
import type { NodeRule } from '../compile/rule.ts'
import { deduplicate, type Deduplication, type DeduplicationKey } from '../operators/deduplicate.ts'
import type { Materialized } from './materialized.ts'
import type { NodeBase } from './node.ts'

/** `KStream.deduplicateByKey` and `deduplicateByKeyValue`. */
export interface DeduplicateNode
  extends NodeBase<'deduplicate'>, Omit<Materialized, 'key'>, Deduplication {
  /** Serdes of the stream, for its repartition topic if it needs one. */
  readonly key?: Serde<unknown> | undefined
  /** Null when the keys are all. */
  readonly identifier: Serde<unknown> | null
}

export const deduplicateRule: NodeRule<DeduplicateNode> = {
  key: 'settled',
  names(node, counter) {
    const name = counter.name(node.name, 'KSTREAM-DEDUPLICATE-')
    const store = node.store ?? counter.generate('KSTREAM-DEDUPLICATE-STATE-STORE-')
    return { name, store, repartitions: counter.repartition(0, node.name) }
  },
  repartition: ({ parents: [stream = -1], key, value }) => ({
    serdes: { key, value },
    owner: stream,
    shared: false,
  }),
  serdes: (node, [input]) => ({ key: node.key ?? input?.key, value: node.value ?? input?.value }),
  emit(node, emission) {
    const { withinMs, changelog = true, inMemory } = node
    const { store = '' } = emission.names
    const key = emission.require(
      emission.serdes.key,
      `the keys of the store ${store}`,
      'deduplicateByKey(within, { key: … })',
    )
    emission.store(
      {
        kind: 'timestampedWindow',
        name: store,
        key: identitySerde(key, node.identifier),
        value: string(),
        // A row at the very edge of the interval still counts.
        retentionMs: withinMs + 1,
        windowSizeMs: 1,
        ordered: true,
        inMemory,
      },
      { logged: changelog },
    )
    emission.processor({ supplier: deduplicate(node, store), stores: [store] })
  },
}

/** Length of the key, key, id, as KIP-655 has it; without an id the key alone. */
function identitySerde(key: Serde<unknown>, id: Serde<unknown> | null): Serde<DeduplicationKey> {
  return {
    name: id === null ? key.name : `${key.name} and ${id.name}`,
    serialize(identity) {
      const keyBytes = key.serialize(identity.key)
      if (id === null) return keyBytes
      const length = Buffer.allocUnsafe(4)
      length.writeInt32BE(keyBytes.length)
      return Buffer.concat([length, keyBytes, id.serialize(identity.id)])
    },
    deserialize(bytes) {
      if (id === null) return { key: key.deserialize(bytes), id: null }
      const end = 4 + bytes.readInt32BE()
      return {
        key: key.deserialize(bytes.subarray(4, end)),
        id: id.deserialize(bytes.subarray(end)),
      }
    },
  }
}
