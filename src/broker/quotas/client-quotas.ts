/**
 * How many bytes per second a client may produce and consume. Who goes beyond is answered, and then not listened to until
 * its rate is back at the limit (KIP-219). (Apache Kafka answers a fetch beyond the quota with nothing instead, so a batch
 * that is larger than the quota allows in ten seconds is never fetched there.) Quotas are kept in the file `client-quotas` of the data folder.
 *
 * As long as there is no quota, none of this costs anything.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock, Files } from '../../platform/platform.ts'
import { corrupt, readChecked, writeChecked } from '../checked-file.ts'
import { entityKey, levelsOf, type QuotaEntity } from './quota-entity.ts'
import { burstBytes, SampledRate } from './sampled-rate.ts'

export const quotaTypes = ['producer_byte_rate', 'consumer_byte_rate'] as const
/** Kafka's names; bytes per second. */
export type QuotaType = (typeof quotaTypes)[number]

export const isQuotaType = (name: string): name is QuotaType =>
  quotaTypes.some(type => type === name)

/** The quotas of one entity. */
export interface EntityQuotas {
  readonly entity: QuotaEntity
  readonly values: Readonly<Partial<Record<QuotaType, number | undefined>>>
}

/** A change of the quotas of one entity; null removes one. */
export interface QuotaChange {
  readonly entity: QuotaEntity
  readonly values: Readonly<Partial<Record<QuotaType, number | null>>>
}

/** Whose bytes they are. */
export interface QuotaClient {
  readonly principal: { readonly name: string }
  readonly clientId: string
}

export interface ClientQuotas {
  all(): Iterable<EntityQuotas>
  /** Durable when it resolves, and in force. Rejects with FILE_ERROR: then nothing has changed. */
  alter(changes: readonly QuotaChange[]): Promise<void>
  /** Counts the bytes and says for how many milliseconds the client must not be listened to. */
  throttleMs(type: QuotaType, client: QuotaClient, bytes: number): number
  /** Most bytes that the client can be sent at once; Infinity without a quota. */
  burstBytes(type: QuotaType, client: QuotaClient): number
}

const name = z.string().nullable().optional()
const value = z.number().positive().optional()
const content = z.array(
  z.strictObject({
    entity: z.strictObject({ user: name, clientId: name }),
    values: z.strictObject({ producer_byte_rate: value, consumer_byte_rate: value }),
  }),
)

/** The quota that holds for a client. */
interface Held {
  readonly limit: number
  readonly rate: SampledRate
}

/** How many clients are remembered before those are forgotten that are silent. */
const MANY = 10_000

/** Throws CORRUPT_DATA when the file cannot be trusted. */
export function openClientQuotas(
  platform: { files: Files; clock: Clock },
  folder: string,
): ClientQuotas {
  const { files, clock } = platform
  const file = { files, folder, name: 'client-quotas', version: 1 }
  let quotas = read()
  /** By type, user and client id; null where there is no quota. */
  const held = new Map<string, Held | null>()
  const rates = new Map<string, SampledRate>()
  let writing: Promise<void> = Promise.resolve()

  function read(): ReadonlyMap<string, EntityQuotas> {
    const known = readChecked(file)
    if (known === undefined) return new Map()
    const parsed = content.safeParse(known)
    if (!parsed.success) throw corrupt(join(folder, file.name), 'its fields are not as expected')
    return new Map(parsed.data.map(each => [entityKey(each.entity), each]))
  }

  async function alter(changes: readonly QuotaChange[]): Promise<void> {
    const next = new Map(quotas)
    for (const { entity, values } of changes) {
      const key = entityKey(entity)
      const before = next.get(key)?.values
      const after: Partial<Record<QuotaType, number>> = {}
      for (const type of quotaTypes) {
        const changed = values[type]
        const kept = changed === undefined ? before?.[type] : changed
        if (kept !== undefined && kept !== null) after[type] = kept
      }
      if (Object.keys(after).length === 0) next.delete(key)
      else next.set(key, { entity, values: after })
    }
    await writeChecked(file, [...next.values()])
    quotas = next
    held.clear()
  }

  function find(type: QuotaType, { principal, clientId }: QuotaClient): Held | null {
    const key = `${type} ${entityKey({ user: principal.name, clientId })}`
    const known = held.get(key)
    if (known !== undefined) return known
    forgetSilent()
    let found: Held | null = null
    for (const { entity, sharedBy } of levelsOf(principal.name, clientId)) {
      const limit = quotas.get(entityKey(entity))?.values[type]
      if (limit === undefined) continue
      found = { limit, rate: rateOf(`${type} ${sharedBy}`) }
      break
    }
    held.set(key, found)
    return found
  }

  function rateOf(key: string): SampledRate {
    const known = rates.get(key)
    if (known !== undefined) return known
    const made = new SampledRate()
    rates.set(key, made)
    return made
  }

  /** Clients choose their ids, so there is no end to them. */
  function forgetSilent(): void {
    if (held.size < MANY) return
    held.clear()
    const now = clock.monotonic()
    for (const [key, rate] of rates) if (rate.isOver(now)) rates.delete(key)
  }

  return {
    all: () => quotas.values(),
    alter(changes) {
      const altered = writing.then(() => alter(changes))
      // A change that failed is told to who asked for it; the next one begins anew.
      writing = altered.catch(() => {})
      return altered
    },
    throttleMs(type, client, bytes) {
      if (quotas.size === 0) return 0
      const found = find(type, client)
      if (found === null) return 0
      const now = clock.monotonic()
      found.rate.record(bytes, now)
      return Math.min(found.rate.throttleMs(found.limit, now), 2147483647)
    },
    burstBytes(type, client) {
      const found = quotas.size === 0 ? null : find(type, client)
      return found === null ? Infinity : burstBytes(found.limit)
    },
  }
}
