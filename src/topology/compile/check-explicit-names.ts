import { MillraceError } from '../../errors.ts'
import type { Blueprint } from './emission.ts'

/**
 * All names of stores and internal topics are the user's. One error lists those that are not, so that they can be given in
 * one go. Kafka Streams' `InternalResourcesNaming`, KIP-1111. Throws INVALID_TOPOLOGY.
 */
export function checkExplicitNames(
  applicationId: string,
  { stores, internalTopics }: Blueprint,
  generated: ReadonlySet<string>,
): void {
  const isGenerated = (name: string): boolean =>
    [...generated].some(each => name === each || name.startsWith(`${each}-`))
  const unnamedStores = stores.map(({ name }) => name).filter(isGenerated)
  const unnamedTopics = internalTopics
    .filter(({ kind }) => kind === 'repartition')
    .map(({ name }) => name.slice(applicationId.length + 1))
    .filter(isGenerated)
  const sentences = [
    ...(unnamedStores.length === 0
      ? []
      : [
          `These stores, and with them their changelog topics, have generated names: ${unnamedStores.join(', ')}. ` +
            'Name them with the option store, those of a join with name.',
        ]),
    ...(unnamedTopics.length === 0
      ? []
      : [
          `These repartition topics have generated names: ${unnamedTopics.join(', ')}. ` +
            'Name them with the option name of groupBy, of the join or of repartition.',
        ]),
  ]
  if (sentences.length > 0) throw new MillraceError('INVALID_TOPOLOGY', sentences.join(' '))
}
