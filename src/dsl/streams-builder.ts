import { compile } from '../topology/compile/compile.ts'
import { GraphBuilder } from '../topology/graph.ts'
import type { StreamRecord } from '../topology/record.ts'
import type { TimestampExtractor, Topology } from '../topology/topology.ts'
import type { GlobalKTable } from './global-ktable.ts'
import { handle } from './handle.ts'
import { KStreamImpl } from './kstream-impl.ts'
import type { KStream } from './kstream.ts'
import { KTableImpl } from './ktable-impl.ts'
import type { KTable } from './ktable.ts'
import type { Consumed, ConsumedGlobalTable, ConsumedTable } from './options.ts'
import type { Scope } from './scope.ts'

/** Where a topology begins: topics read as streams and tables. Kafka Streams' `StreamsBuilder`. */
export class StreamsBuilder {
  readonly #graph = new GraphBuilder()
  readonly #scope: Scope = Object.freeze({
    graph: this.#graph,
    stream: <K, V>(node: number): KStream<K, V> => new KStreamImpl<K, V>(this.#scope, node),
    table: <K, V>(node: number): KTable<K, V> => new KTableImpl<K, V>(this.#scope, node),
  })

  /**
   * Reads one or several topics as a stream: `builder.stream('flights', { key: string(), value: json(Flight) })`.
   * `KSTREAM-SOURCE`.
   */
  stream<K, V>(topics: string | readonly string[], options: Consumed<K, V>): KStream<K, V> {
    const { name, key, value } = options
    const node = this.#graph.add({
      kind: 'streamSource',
      parents: [],
      name,
      topics: typeof topics === 'string' ? [topics] : [...topics],
      key,
      value,
      timestamp: extractorOf(options),
    })
    return this.#scope.stream(node)
  }

  /**
   * Reads a topic as a table: each record is the new row of its key, a null value deletes it. `KSTREAM-SOURCE` and
   * `KTABLE-SOURCE`.
   */
  table<K, V>(topic: string, options: ConsumedTable<K, V>): KTable<K, V> {
    const timestamp = extractorOf(options)
    const node = this.#graph.add({ ...options, kind: 'tableSource', parents: [], topic, timestamp })
    return this.#scope.table(node)
  }

  /** Reads a topic as a table of which every instance has all rows. `KSTREAM-SOURCE` and `KTABLE-SOURCE`. */
  globalTable<K, V>(topic: string, options: ConsumedGlobalTable<K, V>): GlobalKTable<K, V> {
    const timestamp = extractorOf(options)
    const node = this.#graph.add({ ...options, kind: 'globalTable', parents: [], topic, timestamp })
    return Object.freeze({ kind: 'GlobalKTable', [handle]: { graph: this.#graph, node } })
  }

  /**
   * Compiles what was built so far. The application's id is the prefix of its internal topics.
   *
   * Throws INVALID_TOPOLOGY with a sentence that names the node.
   */
  build(applicationId: string): Topology {
    return compile(applicationId, this.#graph)
  }
}

function extractorOf<K, V>({ timestamp }: Consumed<K, V>): TimestampExtractor | undefined {
  if (timestamp === undefined) return undefined
  return (record: StreamRecord<K, V>, partitionTime: number) =>
    timestamp(record.value, record, partitionTime)
}
