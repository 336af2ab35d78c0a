import type { Windowed } from '../serde/windowed.ts'
import type { TopologyTypeError } from './type-error.ts'

/** Asks that a table is that of a windowed aggregation. */
export type WindowedKey<K> = [K] extends [Windowed<unknown>]
  ? unknown
  : TopologyTypeError<'The keys of this table have no windows that could close: suppress the table of a windowed aggregation, or until a time limit'>
