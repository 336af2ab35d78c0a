import type { Aggregation } from '../topology/operators/aggregate.ts'

export const counting: Aggregation = Object.freeze({
  initializer: () => 0,
  aggregator: (_key: unknown, _value: unknown, count: number) => count + 1,
  merger: (_key: unknown, one: number, two: number) => one + two,
})

/** A reduction is an aggregation whose aggregate begins with the first value. */
export function reducing<V>(reducer: (aggregate: V, value: V) => V): Aggregation {
  const aggregator = (_key: unknown, value: V, aggregate: V | null): V =>
    aggregate === null ? value : reducer(aggregate, value)
  return {
    initializer: () => null,
    aggregator,
    merger: (key: unknown, one: V | null, two: V) => aggregator(key, two, one),
  }
}
