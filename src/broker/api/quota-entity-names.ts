import { errorCode } from '../../protocol/error-codes.ts'
import type { QuotaEntity } from '../quotas/quota-entity.ts'
import { RequestRefused } from '../request-refused.ts'

/** A part of an entity as requests name it; null is the default entity. */
export interface EntityName {
  readonly entityType: string
  readonly entityName: string | null
}

export function namesOf({ user, clientId }: QuotaEntity): EntityName[] {
  const names: EntityName[] = []
  if (user !== undefined) names.push({ entityType: 'user', entityName: user })
  if (clientId !== undefined) names.push({ entityType: 'client-id', entityName: clientId })
  return names
}

/** Throws `RequestRefused` when it names nobody, somebody twice, or what has no quotas. */
export function entityOf(names: readonly EntityName[]): QuotaEntity {
  if (names.length === 0) throw refused('The entity is empty: name a user, a client-id or both.')
  let entity: QuotaEntity = {}
  for (const { entityType, entityName } of names) {
    const known = members[entityType]
    if (known === undefined) {
      throw refused(`There are no quotas of the type ${entityType}: use user or client-id.`)
    }
    if (entity[known] !== undefined)
      throw refused(`The entity has two names of type ${entityType}.`)
    if (entityName === '')
      throw refused(`The ${entityType} has no name; null stands for the default.`)
    entity = { ...entity, [known]: entityName }
  }
  return entity
}

const members: Readonly<Record<string, 'user' | 'clientId'>> = {
  user: 'user',
  'client-id': 'clientId',
}

const refused = (message: string): RequestRefused =>
  new RequestRefused(errorCode.INVALID_REQUEST, message)
