/**
 * Who may do what. Without the setting `authorizer` everybody may do everything. With it, super users and code in the
 * broker's process may; others may what a rule allows and none forbids. Rules are kept in the file `acls` of the data
 * folder, and a change is in force for every request that begins after it was answered.
 *
 * The question is asked for each topic of each Produce and Fetch, so answers are remembered until a rule changes.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { Logger } from '../../logger.ts'
import type { Files } from '../../platform/platform.ts'
import { corrupt, readChecked, writeChecked } from '../checked-file.ts'
import type { BrokerConfig } from '../config.ts'
import { type Acl, aclKey, operationCodes, type ResourceType, resourceTypeCodes } from './acl.ts'
import { type AclIndex, aclIndex } from './acl-index.ts'
import { allPermissions, type Permission } from './needed.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { inProcess, type Principal, principalText } from './principal.ts'
import { rememberedAnswers } from './remembered-answers.ts'

/** The part of a request's context that matters here. */
export interface Client {
  readonly principal: Principal
  /** `/` and an IP address */
  readonly clientHost: string
}

export interface Authorizer {
  /** Whether rules are in force; they cannot be changed or read otherwise. */
  readonly enabled: boolean
  /** Whether the client has a permission (of the table `needed`) for the resource of that name. */
  authorize(client: Client, permission: Permission, resourceName: string): boolean
  /** Whether the client has it for anything of the resource's type. */
  authorizeAny(client: Client, permission: Permission): boolean
  /** All that the client may do to the resource: a bit for each operation's number (KIP-430). */
  operations(client: Client, resourceType: ResourceType, resourceName: string): number
  acls(): readonly Acl[]
  /** Adds rules; those that are there already stay once. Durable when it resolves. Rejects with FILE_ERROR. */
  add(acls: readonly Acl[]): Promise<void>
  /** Removes the rules for which `goes` is true and returns them. Durable when it resolves. Rejects with FILE_ERROR. */
  remove(goes: (acl: Acl) => boolean): Promise<readonly Acl[]>
}

export interface OpenAuthorizerOptions {
  readonly files: Files
  readonly folder: string
  readonly config: Pick<BrokerConfig, 'authorizer' | 'superUsers' | 'allowEveryoneIfNoAclFound'>
  readonly logger: Logger
}

const content = z.strictObject({
  acls: z.array(
    z.strictObject({
      resourceType: z.enum(['Topic', 'Group', 'Cluster', 'TransactionalId']),
      resourceName: z.string().min(1),
      patternType: z.enum(['Literal', 'Prefixed']),
      principal: z.string().min(1),
      host: z.string().min(1),
      operation: z.enum([
        'All',
        'Read',
        'Write',
        'Create',
        'Delete',
        'Alter',
        'Describe',
        'ClusterAction',
        'DescribeConfigs',
        'AlterConfigs',
        'IdempotentWrite',
      ]),
      permission: z.enum(['Allow', 'Deny']),
    }),
  ),
})

/** Reads the rules. Throws CORRUPT_DATA when the file is damaged: to start without them could open every door. */
export function openAuthorizer({
  files,
  folder,
  config,
  logger,
}: OpenAuthorizerOptions): Authorizer {
  const enabled = config.authorizer
  const superUsers = new Set(config.superUsers)
  const file = { files, folder, name: 'acls', version: 1 }
  const fallback = config.allowEveryoneIfNoAclFound ? 'Allow' : 'Deny'
  let index: AclIndex = aclIndex(readAcls(), fallback)
  const remembered = rememberedAnswers()
  const inTurn = oneAtATime()

  function readAcls(): readonly Acl[] {
    const known = readChecked(file)
    if (known === undefined) return []
    const parsed = content.safeParse(known)
    if (!parsed.success) throw corrupt(join(folder, file.name), 'its fields are not as expected')
    return parsed.data.acls
  }

  const isTrusted = (principal: Principal): boolean =>
    !enabled || principal === inProcess || superUsers.has(principalText(principal))

  function authorize(client: Client, permission: Permission, resourceName: string): boolean {
    if (!enabled) return true
    const { principal } = client
    if (principal === inProcess) return true
    const before = remembered.of(client, permission)?.get(resourceName)
    if (before !== undefined) return before
    const asking = askingOf(client, permission)
    const answer = isTrusted(principal) || index.decide(asking, resourceName)
    if (!answer) logger.debug({ ...asking, resourceName }, 'A client is refused.')
    remembered.add(client, permission, resourceName, answer)
    return answer
  }

  /** Changes follow each other, so that none is lost; what cannot be written is not in force. */
  function change(changed: (before: readonly Acl[]) => readonly Acl[]): Promise<void> {
    return inTurn(async () => {
      const acls = changed(index.all)
      if (acls.length === index.all.length) return
      await writeChecked(file, { acls })
      index = aclIndex(acls, fallback)
      remembered.clear()
    })
  }

  return {
    enabled,
    authorize,
    authorizeAny(client, permission) {
      return isTrusted(client.principal) || index.decideAny(askingOf(client, permission))
    },
    operations(client, resourceType, resourceName) {
      const bits = allPermissions[resourceType].map(permission =>
        authorize(client, permission, resourceName) ? 1 << operationCodes[permission.operation] : 0,
      )
      return bits.reduce((all, bit) => all | bit, 0)
    },
    acls: () => index.all,
    add: acls =>
      change(before => {
        const merged = new Map([...before, ...acls].map(acl => [aclKey(acl), acl]))
        return [...merged.values()].sort(byPlace)
      }),
    async remove(goes) {
      let gone: readonly Acl[] = []
      await change(before => {
        gone = before.filter(goes)
        return before.filter(acl => !goes(acl))
      })
      return gone
    },
  }
}

function askingOf({ principal, clientHost }: Client, permission: Permission) {
  const { resourceType, operation } = permission
  // As people write addresses in rules, also those of IPv4 clients at a listener for both.
  const host = clientHost.replace(/^\/(::ffff:(?=\d+\.))?/, '')
  return { principal: principalText(principal), host, operation, resourceType }
}

/** Rules of one resource stand together, in the file and in answers. */
function byPlace(one: Acl, other: Acl): number {
  return (
    resourceTypeCodes[one.resourceType] - resourceTypeCodes[other.resourceType] ||
    compare(one.resourceName, other.resourceName) ||
    compare(aclKey(one), aclKey(other))
  )
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
