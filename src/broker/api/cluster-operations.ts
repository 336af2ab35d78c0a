import type { Broker } from '../broker.ts'
import { clusterName } from '../security/acl.ts'
import type { Permission } from '../security/needed.ts'
import type { RequestContext } from './api-handler.ts'

/** What a client may do to the cluster, as a bit field; nothing is told to whoever may not describe it. */
export function clusterOperations(
  { authorizer }: Broker,
  context: RequestContext,
  describe: Permission,
): number {
  if (!authorizer.authorize(context, describe, clusterName)) return 0
  return authorizer.operations(context, 'Cluster', clusterName)
}
