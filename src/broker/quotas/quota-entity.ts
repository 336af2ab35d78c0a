/** Whom a quota is for: a user, a client id, or both; null stands for all that have no quota of their own. */
export interface QuotaEntity {
  readonly user?: string | null | undefined
  readonly clientId?: string | null | undefined
}

/** Equal keys, same entity. */
export function entityKey({ user, clientId }: QuotaEntity): string {
  // JSON has no undefined: 0 stands for what is not named.
  return JSON.stringify([user === undefined ? 0 : user, clientId === undefined ? 0 : clientId])
}

/** An entity whose quota a client has, and whom it shares it with. */
interface Level {
  readonly entity: QuotaEntity
  /** Clients with the same key use up one quota together. */
  readonly sharedBy: string
}

/** The entities whose quota a client may have, the one that counts first. (Kafka: DefaultQuotaCallback.) */
export function levelsOf(user: string, clientId: string): readonly Level[] {
  const both = entityKey({ user, clientId })
  const userOnly = entityKey({ user })
  const clientOnly = entityKey({ clientId })
  return [
    { entity: { user, clientId }, sharedBy: both },
    { entity: { user, clientId: null }, sharedBy: both },
    { entity: { user }, sharedBy: userOnly },
    { entity: { user: null, clientId }, sharedBy: both },
    { entity: { user: null, clientId: null }, sharedBy: both },
    { entity: { user: null }, sharedBy: userOnly },
    { entity: { clientId }, sharedBy: clientOnly },
    { entity: { clientId: null }, sharedBy: clientOnly },
  ]
}
