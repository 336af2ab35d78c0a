/**
 * DescribeClientQuotas: how many bytes per second users and client ids may produce and consume.
 *
 * Versions: 0-1.
 *
 * Behaviour: every component of the filter must fit an entity; with `strict` an entity must have nothing beside them.
 *
 * Differs from Apache Kafka: there are no quotas of addresses (`ip`).
 */
import { errorCode } from '../../protocol/error-codes.ts'
import { describeClientQuotas } from '../../protocol/messages/48-describe-client-quotas.ts'
import type { Infer } from '../../protocol/schema.ts'
import { answerTo, RequestRefused } from '../request-refused.ts'
import { clusterName } from '../security/acl.ts'
import { needed } from '../security/needed.ts'
import { apiHandler, type ApiHandler } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'
import { type EntityName, namesOf } from './quota-entity-names.ts'

type Component = Infer<typeof describeClientQuotas.request>['components'][number]

const EXACT = 0
const DEFAULT = 1
const ANY = 2

export const describeClientQuotasHandler: ApiHandler = apiHandler(
  describeClientQuotas,
  { min: 0, max: 1 },
  (broker, { components, strict }, context) => {
    try {
      checkAuthorized(broker, context, needed.describeClientQuotas.cluster, clusterName)
      for (const component of components) check(component, components)
    } catch (error) {
      return { ...answerTo(error, broker.logger), entries: null }
    }
    const entries = []
    for (const { entity, values } of broker.clientQuotas.all()) {
      const names = namesOf(entity)
      if (strict && names.length !== components.length) continue
      if (!components.every(component => fits(component, names))) continue
      entries.push({
        entity: names,
        values: Object.entries(values).flatMap(([key, value]) =>
          value === undefined ? [] : [{ key, value }],
        ),
      })
    }
    return { errorCode: errorCode.NONE, entries }
  },
)

function check({ entityType, matchType, match }: Component, all: readonly Component[]): void {
  if (!entityTypes.has(entityType)) {
    throw refused(`There are no quotas of the type ${entityType}: ask for user or client-id.`)
  }
  if (all.filter(other => other.entityType === entityType).length > 1) {
    throw refused(`The filter names ${entityType} more than once.`)
  }
  if (matchType !== EXACT && matchType !== DEFAULT && matchType !== ANY) {
    throw refused(`${matchType} is not a way to match ${entityType}.`)
  }
  if ((matchType === EXACT) !== (match !== null)) {
    throw refused(`The filter of ${entityType} must name one if it is exact, and only then.`)
  }
}

const entityTypes: ReadonlySet<string> = new Set(['user', 'client-id'])

function fits({ entityType, matchType, match }: Component, names: readonly EntityName[]): boolean {
  const found = names.find(each => each.entityType === entityType)
  return found !== undefined && (matchType === ANY || found.entityName === match)
}

const refused = (message: string): RequestRefused =>
  new RequestRefused(errorCode.INVALID_REQUEST, message)
