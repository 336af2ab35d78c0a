/** Access rules (ACLs) as data, as Apache Kafka has them: KIP-11, prefixed patterns of KIP-290. */

export type ResourceType = 'Topic' | 'Group' | 'Cluster' | 'TransactionalId'
export type Operation =
  | 'Read'
  | 'Write'
  | 'Create'
  | 'Delete'
  | 'Alter'
  | 'Describe'
  | 'ClusterAction'
  | 'DescribeConfigs'
  | 'AlterConfigs'
  | 'IdempotentWrite'

/** One rule: who may, or must not, do what to which resources, and from where. */
export interface Acl {
  readonly resourceType: ResourceType
  /** A name, the beginning of names when `patternType` is prefixed, or literally `*` for all. */
  readonly resourceName: string
  readonly patternType: 'Literal' | 'Prefixed'
  /** `User:<name>`, or `User:*` for everybody. */
  readonly principal: string
  /** An IP address, or `*` for all. */
  readonly host: string
  readonly operation: Operation | 'All'
  readonly permission: 'Allow' | 'Deny'
}

/** The name of the only resource of type Cluster. */
export const clusterName = 'kafka-cluster'

/** Stands for every resource, principal or host in rules. */
export const wildcard = '*'
export const anybody = 'User:*'

/** Numbers on the wire. 0 is "unknown" for all of them, 1 "any" in filters. */
export const resourceTypeCodes: Readonly<Record<ResourceType, number>> = {
  Topic: 2,
  Group: 3,
  Cluster: 4,
  TransactionalId: 5,
}
export const operationCodes: Readonly<Record<Operation | 'All', number>> = {
  All: 2,
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Alter: 7,
  Describe: 8,
  ClusterAction: 9,
  DescribeConfigs: 10,
  AlterConfigs: 11,
  IdempotentWrite: 12,
}
export const patternTypeCodes: Readonly<Record<Acl['patternType'], number>> = {
  Literal: 3,
  Prefixed: 4,
}
export const permissionCodes: Readonly<Record<Acl['permission'], number>> = { Deny: 2, Allow: 3 }

/** What can be done to resources of a type: what bit fields of authorized operations speak of (KIP-430). */
export const supportedOperations: Readonly<Record<ResourceType, readonly Operation[]>> = {
  Topic: [
    'Read',
    'Write',
    'Create',
    'Delete',
    'Alter',
    'Describe',
    'DescribeConfigs',
    'AlterConfigs',
  ],
  Group: ['Read', 'Delete', 'Describe'],
  Cluster: [
    'Create',
    'Alter',
    'Describe',
    'ClusterAction',
    'DescribeConfigs',
    'AlterConfigs',
    'IdempotentWrite',
  ],
  TransactionalId: ['Write', 'Describe'],
}

/** Operations of which a permission includes another one's. (Kafka: AclEntry, StandardAuthorizerData.) */
const implying: Partial<Readonly<Record<Operation, readonly Operation[]>>> = {
  Describe: ['Read', 'Write', 'Delete', 'Alter'],
  DescribeConfigs: ['AlterConfigs'],
}

/** Whether a rule speaks of an operation: to forbid something forbids nothing else, to allow it may allow more. */
export function covers(acl: Acl, operation: Operation): boolean {
  if (acl.operation === 'All' || acl.operation === operation) return true
  if (acl.permission === 'Deny') return false
  return implying[operation]?.some(other => other === acl.operation) === true
}

/** Two rules with equal keys are one. */
export function aclKey(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl
  return JSON.stringify([
    resourceType,
    resourceName,
    patternType,
    principal,
    host,
    operation,
    permission,
  ])
}
