import type { TopologyTypeError } from './type-error.ts'

/** Asks of a function that gives a first aggregate that it gives one: null stands for no aggregate. */
export type FirstAggregate<A> = (() => A) &
  (null extends A
    ? TopologyTypeError<'The initializer gives null, which stands for no aggregate: give the aggregate of no values'>
    : unknown)

/** What a reducer is told: its null would be a tombstone, which only an aggregator may give. */
export type NoNullReduced =
  'A reducer gives a value of the same type and never null: filter the values before it, or use aggregate, whose null deletes the row'

/** What a merger of sessions is told. */
export type NoNullMerged =
  'A merger gives the aggregate of both sessions and never null: filter the table after it'
