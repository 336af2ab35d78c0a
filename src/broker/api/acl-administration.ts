import { errorCode } from '../../protocol/error-codes.ts'
import type { Broker } from '../broker.ts'
import { RequestRefused } from '../request-refused.ts'
import {
  type Acl,
  clusterName,
  operationCodes,
  patternTypeCodes,
  permissionCodes,
  resourceTypeCodes,
} from '../security/acl.ts'
import type { Permission } from '../security/needed.ts'
import type { RequestContext } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'

/** Throws RequestRefused when rules are not in force here, or when this client may not see or change them. */
export function checkAclAccess(
  broker: Broker,
  context: RequestContext,
  permission: Permission,
): void {
  checkAuthorized(broker, context, permission, clusterName)
  if (!broker.authorizer.enabled) {
    throw new RequestRefused(
      errorCode.SECURITY_DISABLED,
      'Access rules are not in force: start the broker with the setting authorizer.',
    )
  }
}

/** The resource that a rule is about, as responses name it. */
export function resourceOnWire({ resourceType, resourceName, patternType }: Acl): {
  resourceType: number
  resourceName: string
  patternType: number
} {
  return {
    resourceType: resourceTypeCodes[resourceType],
    resourceName,
    patternType: patternTypeCodes[patternType],
  }
}

/** The rest of a rule. */
export function ruleOnWire({ principal, host, operation, permission }: Acl): {
  principal: string
  host: string
  operation: number
  permissionType: number
} {
  return {
    principal,
    host,
    operation: operationCodes[operation],
    permissionType: permissionCodes[permission],
  }
}
