/**
 * A type that nothing has: the compiler of TypeScript shows its sentence where something has to have it. Kysely's
 * `KyselyTypeError` is the model.
 */
interface TopologyTypeError<Sentence extends string> {
  readonly __typeError: Sentence
}

/**
 * Asks that a table has the same type of key as the stream that it is joined with: equal keys of different types have
 * different bytes, so they would never meet.
 */
export type SameKey<K, KT> = [K] extends [KT]
  ? unknown
  : [KT] extends [K]
    ? unknown
    : TopologyTypeError<'The keys of the stream and of the table have different types: give the stream the key of the table with selectKey, or join a global table'>

/** The same of two streams. */
export type SameStreamKey<K, KO> = [K] extends [KO]
  ? unknown
  : [KO] extends [K]
    ? unknown
    : TopologyTypeError<'The keys of the two streams have different types: give one of them the key of the other with selectKey'>
