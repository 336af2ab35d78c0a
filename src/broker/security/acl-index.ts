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
  decide(asking: Asking, resourceName: string): boolean
  /** Whether there is anything of the type that it may be done to, be it there already or not. */
  decideAny(asking: Asking): boolean
}

/** What is to be done to a resource that no rule speaks of, not even about somebody else, is the `fallback`. */
export function aclIndex(all: readonly Acl[], fallback: Acl['permission']): AclIndex {
  const literal = new Map<string, Acl[]>()
  const prefixed = new Map<string, Acl[]>()
  // However many prefixes there are, they have few lengths: so many looks find all that begin a name.
  const lengths = new Set<number>()
  for (const acl of all) {
    const group = acl.patternType === 'Literal' ? literal : prefixed
    const key = keyOf(acl.resourceType, acl.resourceName)
    const same = group.get(key)
    if (same === undefined) group.set(key, [acl])
    else same.push(acl)
    if (group === prefixed) lengths.add(key.length)
  }

  function* about(resourceType: ResourceType, name: string): Generator<readonly Acl[]> {
    yield literal.get(keyOf(resourceType, name)) ?? []
    if (name !== wildcard) yield literal.get(keyOf(resourceType, wildcard)) ?? []
    const key = keyOf(resourceType, name)
    for (const length of lengths) {
      if (length <= key.length) yield prefixed.get(key.slice(0, length)) ?? []
    }
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
      return known ? allowed : fallback === 'Allow'
    },
    decideAny(asking) {
      const speaking = all.filter(
        acl => acl.resourceType === asking.resourceType && speaksOf(acl, asking),
      )
      const denied = speaking.filter(acl => acl.permission === 'Deny')
      if (denied.some(isAboutAll)) return false
      // Some name is always left that no rule speaks of.
      if (fallback === 'Allow') return true
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

function isAboutAll({ patternType, resourceName }: Acl): boolean {
  return patternType === 'Literal' && resourceName === wildcard
}

/** Whether everything that one rule is about the other is about too. */
function swallows(larger: Acl, smaller: Acl): boolean {
  if (larger.patternType === 'Prefixed') {
    return !isAboutAll(smaller) && smaller.resourceName.startsWith(larger.resourceName)
  }
  if (isAboutAll(larger)) return true
  return smaller.patternType === 'Literal' && smaller.resourceName === larger.resourceName
}
