import type { NewNode } from '../topology/graph.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { TableTableJoin } from '../topology/operators/table-table-join.ts'
import type { ValueTransformerSupplier } from '../topology/value-transformer.ts'
import { type Handle, givenStore, handle, nodeOf } from './handle.ts'
import { KGroupedTableImpl } from './kgrouped-table-impl.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import type { UserFunction } from '../topology/user-function.ts'
import type {
  GroupedTable,
  Materialized,
  MaterializedTransform,
  Named,
  SuppressOptions,
  TableJoined,
} from './options.ts'
import type { UntilTimeLimit, UntilWindowCloses } from './suppressed.ts'
import type { Scope } from './scope.ts'

type Joiner<K, V, VT, V2> = (value: V, other: VT, key: K) => V2 | null
type ForeignKeyOf<K, V, KT> = (value: V, key: K) => KT | null

export class KTableImpl<K, V> implements KTable<K, V> {
  readonly kind = 'KTable'
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

  get queryableStoreName(): string | undefined {
    return givenStore(this[handle])
  }

  filter<S extends V>(
    predicate: (key: K, value: V) => boolean,
    options?: Materialized<K, S>,
  ): KTable<K, S> {
    const kind = 'tableFilter'
    return this.#add({ ...options, kind, parents: this.#parents, predicate, keep: true })
  }

  filterNot(predicate: (key: K, value: V) => boolean, options?: Materialized<K, V>): KTable<K, V> {
    const kind = 'tableFilter'
    return this.#add({ ...options, kind, parents: this.#parents, predicate, keep: false })
  }

  mapValues<V2>(mapper: (value: V, key: K) => V2, options?: Materialized<K, V2>): KTable<K, V2> {
    return this.#add({ ...options, kind: 'tableMapValues', parents: this.#parents, mapper })
  }

  join<KT, VT, V2>(
    table: KTable<KT, VT>,
    first: Joiner<K, V, VT, V2> | ForeignKeyOf<K, V, KT>,
    second?: Joiner<K, V, VT, V2> | Materialized<K, V2>,
    third?: TableJoined<K, KT, V2>,
  ): KTable<K, V2> {
    return this.#joinByAnyKey('inner', table, first, second, third)
  }

  leftJoin<KT, VT, V2>(
    table: KTable<KT, VT>,
    first: Joiner<K, V, VT | null, V2> | ForeignKeyOf<K, V, KT>,
    second?: Joiner<K, V, VT | null, V2> | Materialized<K, V2>,
    third?: TableJoined<K, KT, V2>,
  ): KTable<K, V2> {
    return this.#joinByAnyKey('left', table, first, second, third)
  }

  outerJoin<KT, VT, V2>(
    table: KTable<KT, VT>,
    joiner: (value: V | null, other: VT | null, key: K) => V2 | null,
    options?: Materialized<K, V2>,
  ): KTable<K, V2> {
    return this.#join(table, { join: 'outer', joiner }, options)
  }

  groupBy<K2, V2>(
    selector: (key: K, value: V) => readonly [K2 | null, V2 | null],
    options: GroupedTable<K2, V2>,
  ): KGroupedTable<K2, V2> {
    const kind = 'tableGroupBy'
    const node = this.#scope.graph.add({ ...options, kind, parents: this.#parents, selector })
    return new KGroupedTableImpl(this.#scope, node, options)
  }

  transformValues<V2>(
    supplier: ValueTransformerSupplier<K, V, V2>,
    { stores = [], ...options }: MaterializedTransform<K, V2> = {},
  ): KTable<K, V2> {
    const kind = 'tableTransformValues'
    return this.#add({ ...options, kind, parents: this.#parents, supplier, stores })
  }

  suppress(
    { timeLimitMs, maxRecords, maxBytes, whenFull }: UntilTimeLimit | UntilWindowCloses,
    options?: SuppressOptions<K, V>,
  ): KTable<K, V> {
    const limits = { timeLimitMs, maxRecords, maxBytes, whenFull }
    return this.#add({ ...options, kind: 'tableSuppress', parents: this.#parents, ...limits })
  }

  toStream<K2>(mapper: KeyMapper<K, V, K2>, options?: Named): KStream<K2, V>
  toStream(options?: Named): KStream<K, V>
  toStream<K2>(
    first?: Named | KeyMapper<K, V, K2>,
    second?: Named,
  ): KStream<K, V> | KStream<K2, V> {
    const mapper = isMapper(first) ? first : undefined
    const options = isMapper(first) ? second : first
    const node = this.#scope.graph.add({ ...options, kind: 'toStream', parents: this.#parents })
    const stream = this.#scope.stream<K, V>(node)
    return mapper === undefined ? stream : stream.selectKey(mapper)
  }

  /** By the primary key `(joiner, options)` follow, by a foreign key `(foreignKey, joiner, options)`. */
  #joinByAnyKey<KT, VT, V2>(
    join: 'inner' | 'left',
    table: KTable<KT, VT>,
    first: UserFunction<[unknown, unknown, unknown?], unknown>,
    second: UserFunction<[unknown, unknown, unknown], unknown> | Materialized<K, V2> | undefined,
    third: TableJoined<K, KT, V2> | undefined,
  ): KTable<K, V2> {
    if (typeof second !== 'function') return this.#join(table, { join, joiner: first }, second)
    const parents = [this.#parents[0], nodeOf(table, this.#scope.graph)]
    const functions = { extractor: first, joiner: second }
    return this.#add({ ...third, kind: 'foreignKeyJoin', parents, join, ...functions })
  }

  #join<KT, VT, V2>(
    table: KTable<KT, VT>,
    join: TableTableJoin,
    options: Materialized<K, V2> | undefined,
  ): KTable<K, V2> {
    const parents = [this.#parents[0], nodeOf(table, this.#scope.graph)]
    return this.#add({ ...options, kind: 'tableTableJoin', parents, ...join })
  }

  #add<V2>(node: NewNode): KTable<K, V2> {
    return this.#scope.table(this.#scope.graph.add(node))
  }
}

type KeyMapper<K, V, K2> = (key: K, value: V | null) => K2

function isMapper<K, V, K2>(
  given: Named | KeyMapper<K, V, K2> | undefined,
): given is KeyMapper<K, V, K2> {
  return typeof given === 'function'
}
