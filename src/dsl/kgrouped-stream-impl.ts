import type { Grouping } from '../topology/nodes/aggregate.ts'
import type { AnyWindows } from '../topology/nodes/aggregate-store.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { Aggregation } from '../topology/operators/aggregate.ts'
import type { SessionWindows } from '../windowing/session-windows.ts'
import type { SlidingWindows } from '../windowing/sliding-windows.ts'
import type { Windows } from '../windowing/windows.ts'
import { counting, reducing } from './aggregations.ts'
import { CogroupedKStreamImpl } from './cogrouped-kstream-impl.ts'
import type { CogroupedKStream } from './cogrouped-kstream.ts'
import { type GroupedHandle, handle } from './handle.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { Grouped, Materialized } from './options.ts'
import type { Scope } from './scope.ts'
import { SessionWindowedKStreamImpl, TimeWindowedKStreamImpl } from './windowed-kstream-impl.ts'
import type { SessionWindowedKStream, TimeWindowedKStream } from './windowed-kstream.ts'

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

  get [handle](): GroupedHandle<K, V> {
    return { graph: this.#scope.graph, node: this.#parents[0], grouping: this.#grouping }
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

  windowedBy(windows: Windows | SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>
  windowedBy(windows: AnyWindows): TimeWindowedKStream<K, V> | SessionWindowedKStream<K, V> {
    const stream = {
      scope: this.#scope,
      parents: this.#parents,
      grouping: this.#grouping,
      windows,
    }
    return windows.kind === 'session'
      ? new SessionWindowedKStreamImpl<K, V>(stream)
      : new TimeWindowedKStreamImpl<K, V>(stream)
  }

  cogroup<A>(aggregator: (key: K, value: V, aggregate: A) => A | null): CogroupedKStream<K, A> {
    return new CogroupedKStreamImpl(this.#scope, new Map([[this, aggregator]]))
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
