import type { SeededRandom } from '../../../src/platform/simulated/seeded-random.ts'
import { pick } from './random-choice.ts'
import {
  type Draw,
  type Serdes,
  type Shape,
  javaSerde,
  javaSerdes,
  javaValue,
  serdes,
} from './program.ts'

/** How a result is stored: one of the ways that Kafka Streams tells apart. */
export interface Stored {
  readonly name?: string
  readonly store?: string
  /** `Materialized.with`: serdes alone. */
  readonly serdes?: true
  readonly inMemory?: true
  readonly unlogged?: true
  readonly retentionMs?: number
  /** How long the versions of rows are kept in a versioned store. */
  readonly historyMs?: number
}

/** `bareName`: whether the method takes a name without a Materialized. */
export function drawStored({ random, fresh }: Draw, bareName: boolean): Stored {
  const dice = random.below(10)
  if (dice < 3) return {}
  if (dice < 4) return { serdes: true }
  if (dice < 5) return bareName ? { name: fresh('node') } : {}
  if (dice < 6) return { name: fresh('node'), serdes: true }
  return {
    ...(random.chance(0.3) && { name: fresh('node') }),
    store: fresh('store'),
    ...place(random),
    ...(random.chance(0.15) && { unlogged: true }),
  }
}

function place(random: SeededRandom): Pick<Stored, 'inMemory' | 'historyMs'> {
  const dice = random.below(10)
  if (dice < 3) return { inMemory: true }
  return dice < 5 ? { historyMs: pick([30, 200, 100_000], random) } : {}
}

/** The arguments `Named` and `Materialized`, each after a comma. */
export function javaStored(stored: Stored, shape: Shape): string {
  const named = stored.name === undefined ? '' : `, Named.as("${stored.name}")`
  const { store, retentionMs } = stored
  const { windowMs } = shape
  const isSession = shape.windows === 'session'
  const types = `String, ${javaValue(shape)}`
  if (store === undefined) {
    const kind =
      windowMs === undefined ? 'KeyValueStore' : isSession ? 'SessionStore' : 'WindowStore'
    const plain = { ...shape }
    delete plain.windowMs
    return stored.serdes === true
      ? `${named}, Materialized.<${types}, ${kind}<Bytes, byte[]>>with(${javaSerdes(plain)})`
      : named
  }
  const supplier =
    windowMs === undefined
      ? `Stores.inMemoryKeyValueStore("${store}")`
      : isSession
        ? `Stores.inMemorySessionStore("${store}", ms(${retentionMs ?? leastRetention(shape)}))`
        : `Stores.inMemoryWindowStore("${store}", ms(${retentionMs ?? leastRetention(shape)}), ms(${windowMs}), false)`
  const base =
    stored.historyMs !== undefined && windowMs === undefined
      ? `Materialized.<${types}>as(Stores.persistentVersionedKeyValueStore("${store}", ms(${stored.historyMs}))).withKeySerde(STRING).withValueSerde(${javaSerde(shape)})`
      : stored.inMemory === true
        ? `Materialized.<${types}>as(${supplier}).withKeySerde(STRING).withValueSerde(${javaSerde(shape)})`
        : `${windowMs === undefined ? 'kv' : isSession ? 'session' : 'window'}("${store}", ${javaSerde(shape)})`
  const retention =
    retentionMs === undefined || stored.inMemory === true
      ? ''
      : `.withRetention(ms(${retentionMs}))`
  return `${named}, ${base}${retention}${stored.unlogged === true ? '.withLoggingDisabled()' : ''}`
}

/** The same as options. */
export function storedOptions(stored: Stored, shape: Shape): Partial<Serdes> & object {
  const { name, store, inMemory, unlogged, retentionMs, historyMs } = stored
  const { windowMs: _, ...plain } = shape
  return {
    ...(name !== undefined && { name }),
    ...(store !== undefined && { store }),
    ...((store !== undefined || stored.serdes === true) && serdes(plain)),
    ...(inMemory === true && { inMemory: true }),
    ...(unlogged === true && { changelog: false }),
    ...(historyMs !== undefined && shape.windowMs === undefined && { historyRetention: historyMs }),
    ...(retentionMs !== undefined && { retention: retentionMs }),
  }
}

/** The shortest retention that a store of the windows may have. */
export const leastRetention = ({ windowMs = 0, windows, graceMs = 0 }: Shape): number =>
  (windows === 'sliding' ? 2 * windowMs : windowMs) + graceMs

/** The shape of a table that is stored so; its values are new ones, or those of the table before. */
export function storedShape(shape: Shape, stored: Stored, values?: 'new'): Shape {
  const { historyMs, store, serdes } = stored
  const plain = { ...shape }
  delete plain.historyMs
  if (store !== undefined || serdes === true) delete plain.serdeless
  else if (values === 'new') return { ...plain, serdeless: true }
  return historyMs === undefined || shape.windowMs !== undefined ? plain : { ...plain, historyMs }
}
