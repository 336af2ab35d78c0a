import { MillraceError } from '../errors.ts'

/**
 * How a topology may be made cheaper while it is compiled. Kafka Streams' `topology.optimization`: off by default, because
 * it moves repartition topics and stores, so an application that has run without it starts anew with it.
 *
 * - `reuseKTableSourceTopics`: a table read from a topic is restored from that topic, and has no changelog of its own.
 *   The topic must be compacted, or keep all records for ever.
 * - `mergeRepartitionTopics`: what is grouped and joined by one new key goes through one repartition topic.
 * - `singleStoreSelfJoin`: a stream that is joined with itself is stored once.
 */
export type Optimization =
  'reuseKTableSourceTopics' | 'mergeRepartitionTopics' | 'singleStoreSelfJoin'

/** All optimisations, none, or some of them. */
export type Optimizations = 'all' | 'none' | readonly Optimization[]

const known: readonly Optimization[] = [
  'reuseKTableSourceTopics',
  'mergeRepartitionTopics',
  'singleStoreSelfJoin',
]

/** Throws INVALID_CONFIG for an optimisation that there is not. */
export function optimizationsOf(chosen: Optimizations): ReadonlySet<Optimization> {
  if (chosen === 'none') return new Set()
  if (chosen === 'all') return new Set(known)
  const unknown = Array.isArray(chosen) ? chosen.find(one => !known.includes(one)) : chosen
  if (unknown === undefined) return new Set(chosen)
  throw new MillraceError(
    'INVALID_CONFIG',
    `There is no optimization ${JSON.stringify(unknown)}. Give 'all', 'none', or a list of ${known.join(', ')}.`,
  )
}
