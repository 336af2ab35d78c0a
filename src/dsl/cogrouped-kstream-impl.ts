import type { Windowed } from '../serde/windowed.ts'
import type { AnyWindows } from '../topology/nodes/aggregate-store.ts'
import type { CogroupInput, CogroupNode } from '../topology/nodes/cogroup.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { Aggregation } from '../topology/operators/aggregate.ts'
import type { SessionWindows } from '../windowing/session-windows.ts'
import type { SlidingWindows } from '../windowing/sliding-windows.ts'
import type { Windows } from '../windowing/windows.ts'
import type {
  CogroupedKStream,
  SessionWindowedCogroupedKStream,
  TimeWindowedCogroupedKStream,
} from './cogrouped-kstream.ts'
import { handle, nodeOf } from './handle.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KTable } from './ktable.ts'
import type { Materialized, MaterializedWindows } from './options.ts'
import type { Scope } from './scope.ts'
import { storedWindows } from './windowed-kstream-impl.ts'

type Grouped = KGroupedStream<unknown, unknown>

/** The aggregators by the streams they are for, in the order in which the streams came. */
type Aggregators = ReadonlyMap<Pick<Grouped, typeof handle>, Aggregation['aggregator']>

export class CogroupedKStreamImpl<K, A> implements CogroupedKStream<K, A> {
  readonly #scope: Scope
  readonly #aggregators: Aggregators
  /** Made once, so that all tables of this stream share repartition topics. */
  readonly #inputs: readonly CogroupInput[]
  readonly #parents: readonly NodeId[]

  constructor(scope: Scope, aggregators: Aggregators) {
    this.#scope = scope
    this.#aggregators = aggregators
    this.#parents = [...aggregators.keys()].map(stream => nodeOf(stream, scope.graph))
    this.#inputs = [...aggregators].map(([stream, aggregator]) =>
      Object.freeze({ grouping: stream[handle].grouping, aggregator }),
    )
    Object.freeze(this)
  }

  cogroup<KO, V>(
    other: KGroupedStream<KO, V>,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
  ): CogroupedKStream<K, A> {
    return new CogroupedKStreamImpl(
      this.#scope,
      new Map([...this.#aggregators, [other, aggregator]]),
    )
  }

  aggregate(initializer: () => A, options?: Materialized<K, A>): KTable<K, A> {
    return this.#add({ ...options, initializer })
  }

  windowedBy(windows: Windows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
  windowedBy(
    windows: AnyWindows,
  ): TimeWindowedCogroupedKStream<K, A> | SessionWindowedCogroupedKStream<K, A> {
    type Options = MaterializedWindows<K, A>
    const add = (part: AggregateOptions, options?: Options): KTable<Windowed<K>, A> =>
      this.#add({ ...storedWindows(options), ...part, windows })
    if (windows.kind !== 'session') {
      return Object.freeze({
        aggregate: (initializer: () => A, options?: Options) => add({ initializer }, options),
      })
    }
    return Object.freeze({
      aggregate: (initializer: () => A, merger: (key: K, one: A, two: A) => A, options?: Options) =>
        add({ initializer, merger }, options),
    })
  }

  #add<KT>(part: AggregateOptions): KTable<KT, A> {
    const node = this.#scope.graph.add({
      ...part,
      kind: 'cogroup',
      parents: this.#parents,
      inputs: this.#inputs,
    })
    return this.#scope.table(node)
  }
}

type AggregateOptions = Omit<CogroupNode, 'kind' | 'id' | 'parents' | 'inputs'>
