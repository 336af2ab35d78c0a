/**
 * A type that nothing has: the compiler of TypeScript shows its sentence where something has to have it. Kysely's
 * `KyselyTypeError` is the model.
 */
export interface TopologyTypeError<Sentence extends string> {
  readonly __typeError: Sentence
}
