import type { Broker } from '../broker.ts'
import { RequestRefused } from '../request-refused.ts'
import type { Permission } from '../security/needed.ts'
import type { RequestContext } from './api-handler.ts'

/** Throws RequestRefused when the client lacks the permission. The sentence tells nothing that it did not know. */
export function checkAuthorized(
  { authorizer }: Broker,
  context: RequestContext,
  permission: Permission,
  resourceName: string,
): void {
  if (authorizer.authorize(context, permission, resourceName)) return
  const { operation, resourceType, refusal } = permission
  throw new RequestRefused(
    refusal,
    `User ${context.principal.name} may not do ${operation} to the ${resourceType} ${resourceName}: add an access rule that allows it.`,
  )
}
