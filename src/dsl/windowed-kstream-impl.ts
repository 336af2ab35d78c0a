import { MillraceError } from '../errors.ts'
import type { Windowed } from '../serde/windowed.ts'
import type { Grouping } from '../topology/nodes/aggregate.ts'
import type { AnyWindows } from '../topology/nodes/aggregate-store.ts'
import type { NodeId } from '../topology/nodes/node.ts'
import type { Aggregation } from '../topology/operators/aggregate.ts'
import type { EmitStrategy } from '../topology/operators/closed-windows.ts'
import { toMillis } from '../windowing/duration.ts'
import { counting, reducing } from './aggregations.ts'
import type { KTable } from './ktable.ts'
import type { Materialized, MaterializedWindows } from './options.ts'
import type { Scope } from './scope.ts'
import type { SessionWindowedKStream, TimeWindowedKStream } from './windowed-kstream.ts'

/** What is aggregated: a grouped stream, and its windows. */
export interface WindowedStream {
  readonly scope: Scope
  readonly parents: readonly [NodeId]
  readonly grouping: Grouping
  readonly windows: AnyWindows
  readonly emit?: EmitStrategy
}

class WindowedKStreamImpl<K, V> {
  readonly #stream: WindowedStream

  constructor(stream: WindowedStream) {
    this.#stream = stream
    Object.freeze(this)
  }

  count(options?: MaterializedWindows<K, number>): KTable<Windowed<K>, number> {
    return this.add('count', counting, options)
  }

  reduce(
    reducer: (aggregate: V, value: V) => V,
    options?: MaterializedWindows<K, V>,
  ): KTable<Windowed<K>, V> {
    return this.add('reduce', reducing(reducer), options)
  }

  protected emitting(emit: EmitStrategy): WindowedStream {
    const { windows } = this.#stream
    // Not every caller was compiled.
    if (!['onWindowUpdate', 'onWindowClose'].includes(emit)) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        `The emit strategy ${JSON.stringify(emit)} does not exist. Take onWindowUpdate or onWindowClose.`,
      )
    }
    if (emit === 'onWindowClose' && windows.kind === 'time' && windows.sizeMs === Infinity) {
      throw new MillraceError(
        'INVALID_TOPOLOGY',
        'Results on window close are asked for of unlimited windows, which never close. Take onWindowUpdate.',
      )
    }
    return { ...this.#stream, emit }
  }

  protected add<A>(
    operation: 'count' | 'reduce' | 'aggregate',
    aggregation: Aggregation,
    options: MaterializedWindows<K, A> | undefined,
  ): KTable<Windowed<K>, A> {
    const { scope, ...stream } = this.#stream
    const node = scope.graph.add({
      ...storedWindows(options),
      ...stream,
      kind: 'aggregate',
      operation,
      aggregation,
    })
    return scope.table(node)
  }
}

export class TimeWindowedKStreamImpl<K, V>
  extends WindowedKStreamImpl<K, V>
  implements TimeWindowedKStream<K, V>
{
  emitStrategy(strategy: EmitStrategy): TimeWindowedKStream<K, V> {
    return new TimeWindowedKStreamImpl<K, V>(this.emitting(strategy))
  }

  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A> {
    return this.add('aggregate', { initializer, aggregator }, options)
  }
}

export class SessionWindowedKStreamImpl<K, V>
  extends WindowedKStreamImpl<K, V>
  implements SessionWindowedKStream<K, V>
{
  emitStrategy(strategy: EmitStrategy): SessionWindowedKStream<K, V> {
    return new SessionWindowedKStreamImpl<K, V>(this.emitting(strategy))
  }

  aggregate<A>(
    initializer: () => A,
    aggregator: (key: K, value: V, aggregate: A) => A | null,
    merger: (key: K, one: A, two: A) => A,
    options?: MaterializedWindows<K, A>,
  ): KTable<Windowed<K>, A> {
    return this.add('aggregate', { initializer, aggregator, merger }, options)
  }
}

/** The options with their times in milliseconds. */
export function storedWindows<K, A>({
  retention,
  ...options
}: MaterializedWindows<K, A> = {}): Materialized<K, A> & { readonly retentionMs?: number } {
  if (retention === undefined) return options
  return { ...options, retentionMs: toMillis(retention, 'The retention') }
}
