import type { TopologyTypeError } from './type-error.ts'

/** Whether one of two types is the other, or a part of it. */
type Compatible<One, Two, Otherwise> = [One] extends [Two]
  ? unknown
  : [Two] extends [One]
    ? unknown
    : Otherwise

/**
 * Asks that a table has the same type of key as the stream that it is joined with: equal keys of different types have
 * different bytes, so they would never meet.
 */
export type SameKey<K, KT> = Compatible<
  K,
  KT,
  TopologyTypeError<'The keys of the stream and of the table have different types: give the stream the key of the table with selectKey, or join a global table'>
>

/** The same of two streams, or of their groups. */
export type SameStreamKey<K, KO> = Compatible<
  K,
  KO,
  TopologyTypeError<'The keys of the two streams have different types: give one of them the key of the other with selectKey'>
>

/** The same of two tables. */
export type SameTableKey<K, KO> = Compatible<
  K,
  KO,
  TopologyTypeError<'The keys of the two tables have different types: join by a foreign key, or make a table with the key of the other'>
>

/** Asks that two streams that become one have the same types: what comes after cannot tell them apart. */
export type SameRecords<K, V, KO, VO> = [KO, VO] extends [K, V]
  ? unknown
  : TopologyTypeError<'The records of the two streams have different types: make them the same with map or mapValues before they are merged'>
