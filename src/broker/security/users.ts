/**
 * Users and what proves that a client is one: SCRAM credentials, in the file `users` of the data folder. A password is
 * never kept, nor its salted form: who reads the file can try passwords against it, and nothing else.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import type { Platform } from '../../platform/platform.ts'
import {
  minScramIterations,
  saltPassword,
  scramCredential,
  type ScramCredential,
  scramKeyBytes,
  type ScramMechanism,
  scramMechanisms,
} from '../../protocol/scram.ts'
import { corrupt, readChecked, writeChecked } from '../checked-file.ts'
import { oneAtATime } from './one-at-a-time.ts'

/** A credential that is set, or taken away (null). */
export interface CredentialChange {
  readonly user: string
  readonly mechanism: ScramMechanism
  readonly credential: ScramCredential | null
}

export interface Users {
  /** Names of all, sorted. */
  names(): readonly string[]
  credential(user: string, mechanism: ScramMechanism): ScramCredential | undefined
  /**
   * For a user who does not exist, something that looks like a credential and that no password fits, the same each time:
   * so nobody can find out by trying who exists.
   */
  decoy(user: string, mechanism: ScramMechanism): ScramCredential
  /** Whether it is the user's password. Takes the same time for users who do not exist. */
  hasPassword(user: string, password: string): Promise<boolean>
  /** Makes the changes, all or none. Durable when it resolves. Rejects with FILE_ERROR. */
  change(changes: readonly CredentialChange[]): Promise<void>
  /** Sets a password for all mechanisms, unless it is the user's already. */
  setPassword(user: string, password: string): Promise<void>
}

const SALT_BYTES = 24

const base64 = z.base64().transform(text => Buffer.from(text, 'base64'))
const content = z.strictObject({
  decoySecret: base64,
  credentials: z.array(
    z.strictObject({
      user: z.string().min(1),
      mechanism: z.enum(['SCRAM-SHA-256', 'SCRAM-SHA-512']),
      iterations: z.int().min(1),
      salt: base64,
      storedKey: base64,
      serverKey: base64,
    }),
  ),
})

type Credentials = Map<string, Map<ScramMechanism, ScramCredential>>

/** Reads the users. Throws CORRUPT_DATA when the file is damaged. */
export function openUsers(platform: Pick<Platform, 'files' | 'random'>, folder: string): Users {
  const { files, random } = platform
  const file = { files, folder, name: 'users', version: 1, isPrivate: true }
  const stored = read()
  const { decoySecret } = stored
  let { credentials } = stored
  const inTurn = oneAtATime()
  // A password that was right is recognised without salting it again; forgotten at the end of the process.
  const rightSecret = random.bytes(32)
  const rightPasswords = new WeakMap<ScramCredential, Buffer>()
  // Salting runs on the threads that files need too, and anybody may ask for it.
  const saltInTurn = oneAtATime()

  function read(): { decoySecret: Buffer; credentials: Credentials } {
    const known = readChecked(file)
    if (known === undefined) return { decoySecret: random.bytes(32), credentials: new Map() }
    const parsed = content.safeParse(known)
    if (!parsed.success) throw corrupt(join(folder, file.name), 'its fields are not as expected')
    const found: Credentials = new Map()
    for (const { user, mechanism, ...credential } of parsed.data.credentials) {
      found.set(user, new Map(found.get(user)).set(mechanism, credential))
    }
    return { decoySecret: parsed.data.decoySecret, credentials: found }
  }

  async function write(all: Credentials): Promise<void> {
    const rows = [...all].flatMap(([user, byMechanism]) =>
      [...byMechanism].map(([mechanism, { iterations, salt, storedKey, serverKey }]) => ({
        user,
        mechanism,
        iterations,
        salt: salt.toString('base64'),
        storedKey: storedKey.toString('base64'),
        serverKey: serverKey.toString('base64'),
      })),
    )
    const secret = decoySecret.toString('base64')
    await writeChecked(file, { decoySecret: secret, credentials: rows })
  }

  function decoy(user: string, mechanism: ScramMechanism): ScramCredential {
    const bytes = (purpose: string): Buffer =>
      createHmac('sha512', decoySecret).update(`${purpose} ${mechanism} ${user}`).digest()
    const size = scramKeyBytes(mechanism)
    return {
      iterations: minScramIterations,
      salt: bytes('salt').subarray(0, SALT_BYTES),
      storedKey: bytes('stored key').subarray(0, size),
      serverKey: bytes('server key').subarray(0, size),
    }
  }

  async function hasPassword(user: string, password: string): Promise<boolean> {
    const known = credentials.get(user)
    const mechanism = scramMechanisms.find(each => known?.has(each)) ?? 'SCRAM-SHA-256'
    const credential = known?.get(mechanism) ?? decoy(user, mechanism)
    const fingerprint = createHmac('sha256', rightSecret).update(password).digest()
    const right = rightPasswords.get(credential)
    if (right !== undefined && timingSafeEqual(right, fingerprint)) return true
    const salted = await saltInTurn(() => saltPassword(mechanism, password, credential))
    const { storedKey } = scramCredential(mechanism, salted, credential)
    if (!timingSafeEqual(storedKey, credential.storedKey)) return false
    rightPasswords.set(credential, fingerprint)
    // It may have been taken away meanwhile.
    return credentials.get(user)?.get(mechanism) === credential
  }

  async function apply(changes: readonly CredentialChange[]): Promise<void> {
    const after: Credentials = new Map([...credentials].map(([user, own]) => [user, new Map(own)]))
    for (const { user, mechanism, credential } of changes) {
      const own = after.get(user) ?? new Map<ScramMechanism, ScramCredential>()
      if (credential === null) own.delete(mechanism)
      else own.set(mechanism, credential)
      if (own.size === 0) after.delete(user)
      else after.set(user, own)
    }
    await write(after)
    credentials = after
  }

  const change = (changes: readonly CredentialChange[]): Promise<void> =>
    inTurn(() => apply(changes))

  return {
    names: () => [...credentials.keys()].sort(),
    credential: (user, mechanism) => credentials.get(user)?.get(mechanism),
    decoy,
    hasPassword,
    change,
    async setPassword(user, password) {
      const complete = credentials.get(user)?.size === scramMechanisms.length
      if (complete && (await hasPassword(user, password))) return
      const changes = scramMechanisms.map(async mechanism => {
        const how = { salt: random.bytes(SALT_BYTES), iterations: minScramIterations }
        const salted = await saltInTurn(() => saltPassword(mechanism, password, how))
        return { user, mechanism, credential: scramCredential(mechanism, salted, how) }
      })
      await change(await Promise.all(changes))
    },
  }
}
