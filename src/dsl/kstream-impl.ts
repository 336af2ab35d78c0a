import type { Serde } from '../serde/serde.ts'
import { type DurationLike, toMillis } from '../windowing/duration.ts'
import { type AsyncCall, type AsyncOptions, resolveAsyncOptions } from '../topology/async-call.ts'
import type { AsyncProcessorSupplier } from '../topology/async-processor.ts'
import type { FixedKeyProcessorSupplier } from '../topology/fixed-key-processor.ts'
import type { NewNode } from '../topology/graph.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { ProcessorSupplier } from '../topology/processor.ts'
import type { RecordContext } from '../topology/record.ts'
import type { UserFunction } from '../topology/user-function.ts'
import type { JoinWindows } from '../windowing/join-windows.ts'
import { BranchedKStreamImpl } from './branched-kstream-impl.ts'
import type { BranchedKStream } from './branched-kstream.ts'
import type { GlobalKTable } from './global-ktable.ts'
import { type Handle, handle, nodeOf } from './handle.ts'
import { KGroupedStreamImpl } from './kgrouped-stream-impl.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import type {
  Deduplicated,
  DeduplicatedById,
  Grouped,
  Joined,
  Materialized,
  Named,
  Printed,
  Processed,
  Produced,
  Repartitioned,
  StreamJoined,
} from './options.ts'
import type { Scope } from './scope.ts'

type Joiner<K, V, VT, V2> = (value: V, row: VT, key: K) => V2
type JoinPartner<K, V> = KStream<K, V> | KTable<K, V> | GlobalKTable<K, V>
type KeySelector<K, V, KT> = (key: K, value: V) => KT | null
type JoinFunction = UserFunction<[unknown, unknown, unknown?], unknown>

/** Each method adds one frozen node; what it means is written at its kind, in `topology/nodes`. */
export class KStreamImpl<K, V> implements KStream<K, V> {
  readonly kind = 'KStream'
  readonly #scope: Scope
  readonly #parents: readonly [NodeId]

  constructor(scope: Scope, node: NodeId) {
    this.#scope = scope
    this.#parents = Object.freeze([node])
    Object.freeze(this)
  }

  get [handle](): Handle<K, V> {
    return { graph: this.#scope.graph, node: this.#parents[0] }
  }

  filter<S extends V>(predicate: (key: K, value: V) => boolean, options?: Named): KStream<K, S> {
    return this.#add({ ...options, kind: 'filter', parents: this.#parents, predicate, keep: true })
  }

  filterNot(predicate: (key: K, value: V) => boolean, options?: Named): KStream<K, V> {
    return this.#add({ ...options, kind: 'filter', parents: this.#parents, predicate, keep: false })
  }

  map<K2, V2>(mapper: (key: K, value: V) => readonly [K2, V2], options?: Named): KStream<K2, V2> {
    return this.#add({ ...options, kind: 'map', parents: this.#parents, mapper })
  }

  mapValues<V2>(mapper: (value: V, key: K) => V2, options?: Named): KStream<K, V2> {
    return this.#add({ ...options, kind: 'mapValues', parents: this.#parents, mapper })
  }

  flatMap<K2, V2>(
    mapper: (key: K, value: V) => Iterable<readonly [K2, V2]>,
    options?: Named,
  ): KStream<K2, V2> {
    return this.#add({ ...options, kind: 'flatMap', parents: this.#parents, mapper })
  }

  flatMapValues<V2>(mapper: (value: V, key: K) => Iterable<V2>, options?: Named): KStream<K, V2> {
    return this.#add({ ...options, kind: 'flatMapValues', parents: this.#parents, mapper })
  }

  selectKey<K2>(mapper: (key: K, value: V) => K2, options?: Named): KStream<K2, V> {
    return this.#add({ ...options, kind: 'selectKey', parents: this.#parents, mapper })
  }

  peek(action: (key: K, value: V) => void, options?: Named): KStream<K, V> {
    return this.#add({ ...options, kind: 'peek', parents: this.#parents, action })
  }

  foreach(action: (key: K, value: V) => void, options?: Named): void {
    this.#add({ ...options, kind: 'foreach', parents: this.#parents, action })
  }

  print(options: Printed<K, V> = {}): void {
    const { name, label, mapper = keyAndValue, write = standardOutput } = options
    this.#add({ kind: 'print', name, parents: this.#parents, label, mapper, write })
  }

  merge<KO, VO>(other: KStream<KO, VO>, options?: Named): KStream<K, V> {
    const parents = [this.#parents[0], nodeOf(other, this.#scope.graph)]
    return this.#add({ ...options, kind: 'merge', parents })
  }

  split({ name }: Named = {}): BranchedKStream<K, V> {
    const split = this.#scope.graph.add({ kind: 'split', name, parents: this.#parents })
    return new BranchedKStreamImpl(this.#scope, split, { size: 0, branches: new Map() })
  }

  process<KOut, VOut>(
    supplier: ProcessorSupplier<K, V, KOut, VOut>,
    { name, stores = [] }: Processed = {},
  ): KStream<KOut, VOut> {
    return this.#add({ kind: 'process', name, parents: this.#parents, supplier, stores })
  }

  processValues<VOut>(
    supplier: FixedKeyProcessorSupplier<K, V, VOut>,
    { name, stores = [] }: Processed = {},
  ): KStream<K, VOut> {
    return this.#add({ kind: 'processValues', name, parents: this.#parents, supplier, stores })
  }

  mapAsync<K2, V2>(
    mapper: (
      key: K,
      value: V,
      call: AsyncCall,
    ) => readonly [K2, V2] | PromiseLike<readonly [K2, V2]>,
    options: Named & AsyncOptions<K> = {},
  ): KStream<K2, V2> {
    return this.#add({ ...this.#async('mapAsync', options), kind: 'mapAsync', mapper })
  }

  mapValuesAsync<V2>(
    mapper: (value: V, key: K, call: AsyncCall) => V2 | PromiseLike<V2>,
    options: Named & AsyncOptions<K> = {},
  ): KStream<K, V2> {
    return this.#add({ ...this.#async('mapValuesAsync', options), kind: 'mapValuesAsync', mapper })
  }

  foreachAsync(
    action: (key: K, value: V, call: AsyncCall) => unknown,
    options: Named & AsyncOptions<K> = {},
  ): void {
    this.#add({ ...this.#async('foreachAsync', options), kind: 'foreachAsync', action })
  }

  processAsync<KOut, VOut, R>(
    supplier: AsyncProcessorSupplier<K, V, KOut, VOut, R>,
    { stores = [], ...options }: Processed & AsyncOptions<K> = {},
  ): KStream<KOut, VOut> {
    const node = this.#async('processAsync', options)
    return this.#add({ ...node, kind: 'processAsync', supplier, stores })
  }

  groupBy<K2>(
    selector: (key: K, value: V) => K2,
    options: Grouped<K2, V> = {},
  ): KGroupedStream<K2, V> {
    const { name } = options
    const node = this.#scope.graph.add({
      kind: 'selectKey',
      name,
      parents: this.#parents,
      mapper: selector,
    })
    return new KGroupedStreamImpl(this.#scope, node, options)
  }

  groupByKey(options: Grouped<K, V> = {}): KGroupedStream<K, V> {
    return new KGroupedStreamImpl(this.#scope, this.#parents[0], options)
  }

  repartition(options?: Repartitioned<K, V>): KStream<K, V> {
    return this.#add({ ...options, kind: 'repartition', parents: this.#parents })
  }

  toTable(options?: Materialized<K, V>): KTable<K, V> {
    const node = this.#scope.graph.add({ ...options, kind: 'toTable', parents: this.#parents })
    return this.#scope.table(node)
  }

  join<KT, VT, V2>(
    other: JoinPartner<KT, VT>,
    first: Joiner<K, V, VT, V2> | KeySelector<K, V, KT>,
    second?: Joiner<K, V, VT, V2> | Joined<K, V> | JoinWindows,
    third?: Named | StreamJoined<K, V, VT>,
  ): KStream<K, V2> {
    return this.#join('inner', other, first, second, third)
  }

  leftJoin<KT, VT, V2>(
    other: JoinPartner<KT, VT>,
    first: Joiner<K, V, VT | null, V2> | KeySelector<K, V, KT>,
    second?: Joiner<K, V, VT | null, V2> | Joined<K, V> | JoinWindows,
    third?: Named | StreamJoined<K, V, VT>,
  ): KStream<K, V2> {
    return this.#join('left', other, first, second, third)
  }

  outerJoin<KO, VO, V2>(
    other: KStream<KO, VO>,
    joiner: Joiner<K, V | null, VO | null, V2>,
    windows: JoinWindows,
    options?: StreamJoined<K, V, VO>,
  ): KStream<K, V2> {
    const parents = [this.#parents[0], nodeOf(other, this.#scope.graph)]
    return this.#add({
      ...options,
      kind: 'streamStreamJoin',
      parents,
      join: 'outer',
      joiner,
      windows,
    })
  }

  markAsPartitioned(options?: Named): KStream<K, V> {
    return this.#add({ ...options, kind: 'markAsPartitioned', parents: this.#parents })
  }

  deduplicateByKey(within: DurationLike, options?: Deduplicated<K, V>): KStream<K, V> {
    return this.#deduplicate(null, within, { ...options, identifier: null })
  }

  deduplicateByKeyValue<Id>(
    idSelector: (key: K, value: V) => Id | null,
    within: DurationLike,
    { id: identifier, ...options }: DeduplicatedById<K, V, Id>,
  ): KStream<K, V> {
    return this.#deduplicate(idSelector, within, { ...options, identifier })
  }

  to(
    topic: string | ((key: K, value: V, context: RecordContext) => string),
    options?: Produced<K, V>,
  ): void {
    this.#add({ ...options, kind: 'to', parents: this.#parents, topic })
  }

  /**
   * With a stream `(joiner, windows, options)` follow, with a table `(joiner, options)`, with a global table `(keySelector,
   * joiner, options)`.
   */
  #join<V2>(
    join: 'inner' | 'left',
    other: { readonly [handle]: Handle<unknown, unknown> },
    first: JoinFunction,
    second: JoinFunction | Joined<K, V> | JoinWindows | undefined,
    third: Named | undefined,
  ): KStream<K, V2> {
    const partner = nodeOf(other, this.#scope.graph)
    const [stream] = this.#parents
    if (typeof second === 'function') {
      const functions = { keySelector: first, joiner: second }
      const kind = 'streamGlobalTableJoin'
      return this.#add({ ...third, kind, parents: [stream], table: partner, join, ...functions })
    }
    const parents = [stream, partner]
    if (second !== undefined && 'beforeMs' in second) {
      const how = { kind: 'streamStreamJoin', parents, join, joiner: first } as const
      return this.#add({ ...third, ...how, windows: second })
    }
    const how = { kind: 'streamTableJoin', parents, table: partner, join, joiner: first } as const
    const { grace, ...options } = second ?? {}
    if (grace === undefined) return this.#add({ ...options, ...how })
    const graceMs = toMillis(grace, 'The grace of a join with a table')
    return this.#add({ ...options, ...how, graceMs })
  }

  #deduplicate<Id>(
    idSelector: ((key: K, value: V) => Id | null) | null,
    within: DurationLike,
    options: Deduplicated<K, V> & { readonly identifier: Serde<Id> | null },
  ): KStream<K, V> {
    const withinMs = toMillis(within, 'The interval of a deduplication', 1)
    const kind = 'deduplicate'
    return this.#add({ ...options, kind, parents: this.#parents, idSelector, withinMs })
  }

  #async(operator: string, options: Named & AsyncOptions<K>) {
    const { name, key: keySerde } = options
    return {
      name,
      parents: this.#parents,
      keySerde,
      options: resolveAsyncOptions(operator, options),
    }
  }

  #add<K2, V2>(node: NewNode): KStream<K2, V2> {
    return this.#scope.stream(this.#scope.graph.add(node))
  }
}

const keyAndValue = (key: unknown, value: unknown): string => `${textOf(key)}, ${textOf(value)}`

/** Texts as they are, everything else as JSON. */
const textOf = (data: unknown): string => (typeof data === 'string' ? data : JSON.stringify(data))

const standardOutput = (line: string): void => void process.stdout.write(line)
