/** Rules and filters of rules as requests carry them: numbers and names that may make no sense. (Kafka: AclBindingFilter.) */
import { errorCode } from '../../protocol/error-codes.ts'
import { RequestRefused } from '../request-refused.ts'
import {
  type Acl,
  clusterName,
  operationCodes,
  patternTypeCodes,
  permissionCodes,
  resourceTypeCodes,
  supportedOperations,
  wildcard,
} from './acl.ts'

/** A rule in a request. */
export interface AclOnWire {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

export interface AclFilterOnWire {
  readonly resourceTypeFilter: number
  readonly resourceNameFilter: string | null
  readonly patternTypeFilter: number
  readonly principalFilter: string | null
  readonly hostFilter: string | null
  readonly operation: number
  readonly permissionType: number
}

/** A rule as data. Throws RequestRefused INVALID_REQUEST with a sentence when it could never mean anything. */
export function aclOf(wire: AclOnWire): Acl {
  const { resourceName, principal, host } = wire
  const resourceType = named(resourceTypeCodes, wire.resourceType, 'resource type')
  const operation = named(operationCodes, wire.operation, 'operation')
  const acl: Acl = {
    resourceType,
    resourceName,
    patternType: named(patternTypeCodes, wire.resourcePatternType, 'type of pattern'),
    principal,
    host,
    operation,
    permission: named(permissionCodes, wire.permissionType, 'type of permission'),
  }
  if (resourceName === '') throw refused('A rule names a resource: its name is empty.')
  if (resourceName.length > MAX_NAME_CHARS || principal.length > MAX_NAME_CHARS) {
    throw refused(`Names in rules have ${MAX_NAME_CHARS} characters at most.`)
  }
  if (resourceType === 'Cluster' && resourceName !== clusterName && resourceName !== wildcard) {
    throw refused(`The only resource of the type Cluster is named ${clusterName}.`)
  }
  if (operation !== 'All' && !supportedOperations[resourceType].includes(operation)) {
    throw refused(`The operation ${operation} cannot be done to a ${resourceType}.`)
  }
  if (!/^User:./.test(principal)) {
    throw refused(`The principal ${JSON.stringify(principal)} is not of the form User:name.`)
  }
  if (host === '' || host.length > MAX_HOST_CHARS) {
    throw refused('A rule names an IP address or * as host.')
  }
  return acl
}

/** Which rules a filter is about. Throws RequestRefused INVALID_REQUEST when it holds an unknown number. */
export function aclMatcher(filter: AclFilterOnWire): (acl: Acl) => boolean {
  const { resourceNameFilter, patternTypeFilter, principalFilter, hostFilter } = filter
  const ofType = matcher(resourceTypeCodes, filter.resourceTypeFilter, 'resource type')
  const ofOperation = matcher(operationCodes, filter.operation, 'operation')
  const ofPermission = matcher(permissionCodes, filter.permissionType, 'type of permission')
  const ofPattern =
    patternTypeFilter === MATCH
      ? () => true
      : matcher(patternTypeCodes, patternTypeFilter, 'type of pattern')
  const ofName = (acl: Acl): boolean =>
    resourceNameFilter === null ||
    acl.resourceName === resourceNameFilter ||
    (patternTypeFilter === MATCH && isAbout(acl, resourceNameFilter))
  return acl =>
    ofType(acl.resourceType) &&
    ofName(acl) &&
    ofPattern(acl.patternType) &&
    (principalFilter === null || acl.principal === principalFilter) &&
    (hostFilter === null || acl.host === hostFilter) &&
    ofOperation(acl.operation) &&
    ofPermission(acl.permission)
}

/** In filters. MATCH asks for all rules that say something of a resource, by whatever pattern. */
const ANY = 1
const MATCH = 2

const MAX_NAME_CHARS = 1000
const MAX_HOST_CHARS = 100

function isAbout({ patternType, resourceName }: Acl, name: string): boolean {
  return patternType === 'Prefixed' ? name.startsWith(resourceName) : resourceName === wildcard
}

function matcher<Name extends string>(
  codes: Readonly<Record<Name, number>>,
  code: number,
  what: string,
): (name: Name) => boolean {
  if (code === ANY) return () => true
  const wanted: string = named(codes, code, what)
  return name => name === wanted
}

function named<Name extends string>(
  codes: Readonly<Record<Name, number>>,
  code: number,
  what: string,
): Name {
  for (const name in codes) if (codes[name] === code) return name
  throw refused(`There is no ${what} ${code} in rules of this broker.`)
}

const refused = (message: string): RequestRefused =>
  new RequestRefused(errorCode.INVALID_REQUEST, message)
