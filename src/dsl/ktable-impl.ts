import type { NewNode } from '../topology/graph.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { TableTableJoin } from '../topology/operators/table-table-join.ts'
import { type Handle, handle, nodeOf } from './handle.ts'
import { KGroupedTableImpl } from './kgrouped-table-impl.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import type { GroupedTable, Materialized, Named, SuppressOptions } from './options.ts'
import type { UntilTimeLimit, UntilWindowCloses } from './suppressed.ts'
import type { Scope } from './scope.ts'

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
    joiner: (value: V, other: VT, key: K) => V2 | null,
    options?: Materialized<K, V2>,
  ): KTable<K, V2> {
    return this.#join(table, { join: 'inner', joiner }, options)
  }

  leftJoin<KT, VT, V2>(
    table: KTable<KT, VT>,
    joiner: (value: V, other: VT | null, key: K) => V2 | null,
    options?: Materialized<K, V2>,
  ): KTable<K, V2> {
    return this.#join(table, { join: 'left', joiner }, options)
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

  suppress(
    { timeLimitMs, maxRecords, maxBytes, whenFull }: UntilTimeLimit | UntilWindowCloses,
    options?: SuppressOptions<K, V>,
  ): KTable<K, V> {
    const limits = { timeLimitMs, maxRecords, maxBytes, whenFull }
    return this.#add({ ...options, kind: 'tableSuppress', parents: this.#parents, ...limits })
  }

  toStream(options?: Named): KStream<K, V> {
    const node = this.#scope.graph.add({ ...options, kind: 'toStream', parents: this.#parents })
    return this.#scope.stream(node)
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
