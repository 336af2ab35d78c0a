import type { Broker } from '../broker.ts'
import { clusterName } from '../security/acl.ts'
import type { Permission } from '../security/needed.ts'
import type { RequestContext } from './api-handler.ts'
import { checkAuthorized } from './check-authorized.ts'

/** Kinds of things with settings, by Kafka's number (`ConfigResource.Type`). */
export const resourceType = { topic: 2, broker: 4 } as const

/** Settings of topics are the topic's matter, all others the cluster's. Throws RequestRefused. */
export function checkConfigAccess(
  broker: Broker,
  context: RequestContext,
  resource: { readonly resourceType: number; readonly resourceName: string },
  permissions: { readonly topic: Permission; readonly cluster: Permission },
): void {
  if (resource.resourceType === resourceType.topic) {
    checkAuthorized(broker, context, permissions.topic, resource.resourceName)
  } else checkAuthorized(broker, context, permissions.cluster, clusterName)
}
