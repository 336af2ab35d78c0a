/**
 * A user's function as a node keeps it. Its arguments were checked where the DSL took it, and the graph carries them
 * from there; so here a function of a `Flight` may stand where a function of anything is asked for.
 */
export type UserFunction<Arguments extends unknown[], Result> = {
  bivariant(...given: Arguments): Result
}['bivariant']
