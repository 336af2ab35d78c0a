import type { Client } from './authorizer.ts'
import type { Permission } from './needed.ts'

/** Answers of the authorizer, by who asks and what for: found without making a key, because it is asked so often. */
export interface RememberedAnswers {
  /** By name of the resource; undefined when nothing is remembered. */
  of(client: Client, permission: Permission): ReadonlyMap<string, boolean> | undefined
  add(client: Client, permission: Permission, resourceName: string, answer: boolean): void
  clear(): void
}

/** Answers that are remembered at most; then they are all found out again. */
const MAX_ANSWERS = 50_000
/** Longer names are not worth the memory: they may be as long as a request. */
const MAX_NAME_CHARS = 300

type ByName = Map<string, boolean>
type ByPermission = Map<Permission, ByName>

export function rememberedAnswers(): RememberedAnswers {
  const byHost = new Map<string, Map<string, ByPermission>>()
  let count = 0

  function clear(): void {
    byHost.clear()
    count = 0
  }

  return {
    of: ({ clientHost, principal }, permission) =>
      byHost.get(clientHost)?.get(principal.name)?.get(permission),
    add({ clientHost, principal }, permission, resourceName, answer) {
      if (resourceName.length > MAX_NAME_CHARS) return
      if (count >= MAX_ANSWERS) clear()
      const byUser = entry(byHost, clientHost, () => new Map<string, ByPermission>())
      const byPermission = entry(byUser, principal.name, (): ByPermission => new Map())
      const byName = entry(byPermission, permission, (): ByName => new Map())
      if (!byName.has(resourceName)) count++
      byName.set(resourceName, answer)
    },
    clear,
  }
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
