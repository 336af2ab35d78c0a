import type { NodeId } from '../topology/nodes/node.ts'
import type { TableGrouping } from '../topology/nodes/table-aggregate.ts'
import type { TableAggregation } from '../topology/operators/table-aggregate.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KTable } from './ktable.ts'
import type { GroupedTable, Materialized } from './options.ts'
import type { Scope } from './scope.ts'

export class KGroupedTableImpl<K, V> implements KGroupedTable<K, V> {
  readonly #scope: Scope
  readonly #parents: readonly [NodeId]
  readonly #grouping: TableGrouping

  constructor(scope: Scope, node: NodeId, grouping: GroupedTable<K, V>) {
    this.#scope = scope
    this.#parents = Object.freeze([node])
    // A copy: two groupings with one options object are still two.
    this.#grouping = Object.freeze({ ...grouping })
    Object.freeze(this)
  }

  count(options?: Materialized<K, number>): KTable<K, number> {
    return this.#add('count', counting, options)
  }

  reduce(
    adder: (aggregate: V, value: V) => V,
    subtractor: (aggregate: V, value: V) => V | null,
    options?: Materialized<K, V>,
  ): KTable<K, V> {
    const reducing: TableAggregation = {
      initializer: () => null,
      aggregator: (_key: unknown, value: V, aggregate: V | null) =>
        aggregate === null ? value : adder(aggregate, value),
      subtractor: (_key: unknown, value: V, aggregate: V) => subtractor(aggregate, value),
    }
    return this.#add('reduce', reducing, options)
  }

  aggregate<A>(
    initializer: () => A,
    adder: (key: K, value: V, aggregate: A) => A | null,
    subtractor: (key: K, value: V, aggregate: A) => A | null,
    options?: Materialized<K, A>,
  ): KTable<K, A> {
    return this.#add('aggregate', { initializer, aggregator: adder, subtractor }, options)
  }

  #add<A>(
    operation: 'count' | 'reduce' | 'aggregate',
    aggregation: TableAggregation,
    options: Materialized<K, A> | undefined,
  ): KTable<K, A> {
    const node = this.#scope.graph.add({
      ...options,
      kind: 'tableAggregate',
      parents: this.#parents,
      operation,
      aggregation,
      grouping: this.#grouping,
    })
    return this.#scope.table(node)
  }
}

const counting: TableAggregation = Object.freeze({
  initializer: () => 0,
  aggregator: (_key: unknown, _value: unknown, count: number) => count + 1,
  subtractor: (_key: unknown, _value: unknown, count: number) => count - 1,
})
