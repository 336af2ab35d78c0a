import type { Windowed } from '../serde/windowed.ts'
import type { Grouping } from '../topology/nodes/aggregate.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { Aggregation } from '../topology/operators/aggregate.ts'
import { toMillis } from '../windowing/duration.ts'
import type { TimeWindows } from '../windowing/time-windows.ts'
import type { KGroupedStream, TimeWindowedKStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { Grouped, Materialized, MaterializedWindows } from './options.ts'
import type { Scope } from './scope.ts'

export class KGroupedStreamImpl<K, V> implements KGroupedStream<K, V> {
  readonly #scope: Scope
  readonly #parents: readonly [NodeId]
  readonly #grouping: Grouping

  constructor(scope: Scope, node: NodeId, grouping: Grouped<K, V>) {
    this.#scope = scope
    this.#parents = Object.freeze([node])
    // A copy: two groupings with one options object are still two.
    this.#grouping = Object.freeze({ ...grouping })
    Object.freeze(this)
  }

  count(options?: Materialized<K, number>): KTable<K, number> {
    return this.#add('count', counting, options)
  }

  reduce(reducer: (aggregate: V, value: V) => V, options?: Materialized<K, V>): KTable<K, V> {
    return this.#add('reduce', reducing(reducer), options)
  }

  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: Materialized<K, A>,
  ): KTable<K, A> {
    return this.#add('aggregate', { initializer, aggregator }, options)
  }

  windowedBy(windows: TimeWindows): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStreamImpl(this.#scope, this.#parents, this.#grouping, windows)
  }

  #add<A>(
    operation: 'count' | 'reduce' | 'aggregate',
    aggregation: Aggregation,
    options: Materialized<K, A> | undefined,
  ): KTable<K, A> {
    const node = this.#scope.graph.add({
      ...options,
      kind: 'aggregate',
      parents: this.#parents,
      operation,
      aggregation,
      grouping: this.#grouping,
    })
    return this.#scope.table(node)
  }
}

class TimeWindowedKStreamImpl<K, V> implements TimeWindowedKStream<K, V> {
  readonly #scope: Scope
  readonly #parents: readonly [NodeId]
  readonly #grouping: Grouping
  readonly #windows: TimeWindows

  constructor(scope: Scope, parents: readonly [NodeId], grouping: Grouping, windows: TimeWindows) {
    this.#scope = scope
    this.#parents = parents
    this.#grouping = grouping
    this.#windows = windows
    Object.freeze(this)
  }

  count(options?: MaterializedWindows<K, number>): KTable<Windowed<K>, number> {
    return this.#add('count', counting, options)
  }

  reduce(
    reducer: (aggregate: V, value: V) => V,
    options?: MaterializedWindows<K, V>,
  ): KTable<Windowed<K>, V> {
    return this.#add('reduce', reducing(reducer), options)
  }

  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A> {
    return this.#add('aggregate', { initializer, aggregator }, options)
  }

  #add<A>(
    operation: 'count' | 'reduce' | 'aggregate',
    aggregation: Aggregation,
    { retention, ...options }: MaterializedWindows<K, A> = {},
  ): KTable<Windowed<K>, A> {
    const node = this.#scope.graph.add({
      ...options,
      kind: 'aggregate',
      parents: this.#parents,
      operation,
      aggregation,
      grouping: this.#grouping,
      windows: this.#windows,
      retentionMs: retention === undefined ? undefined : toMillis(retention, 'The retention'),
    })
    return this.#scope.table(node)
  }
}

const counting: Aggregation = Object.freeze({
  initializer: () => 0,
  aggregator: (_key: unknown, _value: unknown, count: number) => count + 1,
})

/** A reduction is an aggregation whose aggregate begins with the first value. */
function reducing<V>(reducer: (aggregate: V, value: V) => V): Aggregation {
  return {
    initializer: () => null,
    aggregator: (_key: unknown, value: V, aggregate: V | null) =>
      aggregate === null ? value : reducer(aggregate, value),
  }
}
