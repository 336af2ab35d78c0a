/**
 * The rules that are in force, ordered for questions. Whoever is forbidden something must not do it, whatever else
 * allows it. (Kafka: StandardAuthorizerData.authorize, Authorizer.authorizeByResourceType.)
 */
import { type Acl, anybody, covers, type Operation, type ResourceType, wildcard } from './acl.ts'

/** Somebody who wants to do something. */
export interface Asking {
  /** `User:<name>` */
  readonly principal: string
  /** IP address */
  readonly host: string
  readonly operation: Operation
  readonly resourceType: ResourceType
}

export interface AclIndex {
  readonly all: readonly Acl[]
  /** Null when no rule speaks of the resource, not even about somebody else. */
  decide(asking: Asking, resourceName: string): boolean | null
  /** Whether there is anything of the type that it may be done to; null when no rule speaks of the type. */
  decideAny(asking: Asking): boolean | null
}

export function aclIndex(all: readonly Acl[]): AclIndex {
  const literal = new Map<string, Acl[]>()
  const prefixed = new Map<string, Acl[]>()
  for (const acl of all) {
    const group = acl.patternType === 'Literal' ? literal : prefixed
    const key = keyOf(acl.resourceType, acl.resourceName)
    const same = group.get(key)
    if (same === undefined) group.set(key, [acl])
    else same.push(acl)
  }

  function* about(resourceType: ResourceType, name: string): Generator<readonly Acl[]> {
    yield literal.get(keyOf(resourceType, name)) ?? []
    if (name !== wildcard) yield literal.get(keyOf(resourceType, wildcard)) ?? []
    const key = keyOf(resourceType, name)
    for (const [prefix, acls] of prefixed) if (key.startsWith(prefix)) yield acls
  }

  return {
    all,
    decide(asking, resourceName) {
      let known = false
      let allowed = false
      for (const acls of about(asking.resourceType, resourceName)) {
        for (const acl of acls) {
          known = true
          if (!speaksOf(acl, asking)) continue
          if (acl.permission === 'Deny') return false
          allowed = true
        }
      }
      return known ? allowed : null
    },
    decideAny(asking) {
      const ofType = all.filter(acl => acl.resourceType === asking.resourceType)
      if (ofType.length === 0) return null
      const speaking = ofType.filter(acl => speaksOf(acl, asking))
      const denied = speaking.filter(acl => acl.permission === 'Deny')
      return speaking.some(
        acl => acl.permission === 'Allow' && !denied.some(deny => swallows(deny, acl)),
      )
    },
  }
}

const keyOf = (type: ResourceType, name: string): string => `${type} ${name}`

function speaksOf(acl: Acl, { principal, host, operation }: Asking): boolean {
  return (
    (acl.principal === principal || acl.principal === anybody) &&
    (acl.host === host || acl.host === wildcard) &&
    covers(acl, operation)
  )
}

/** Whether everything that one rule is about the other is about too. */
function swallows(larger: Acl, smaller: Acl): boolean {
  if (larger.patternType === 'Prefixed') {
    const all = smaller.patternType === 'Literal' && smaller.resourceName === wildcard
    return !all && smaller.resourceName.startsWith(larger.resourceName)
  }
  if (larger.resourceName === wildcard) return true
  return smaller.patternType === 'Literal' && smaller.resourceName === larger.resourceName
}
