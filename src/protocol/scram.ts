/**
 * SCRAM (RFC 5802, RFC 7677): the calculations that both sides share. Who knows a credential can check a password and
 * prove to be the server, but cannot pose as the user: for that the password or its salted form is needed.
 *
 * Passwords are taken as they are, in UTF-8: SASLprep, which would make equal what looks equal, is done by no client of
 * Kafka and so not here.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

/** What the mechanisms differ in. `code` is their number in the APIs that alter credentials (KIP-554). */
const mechanisms = {
  'SCRAM-SHA-256': { hash: 'sha256', sizeBytes: 32, code: 1 },
  'SCRAM-SHA-512': { hash: 'sha512', sizeBytes: 64, code: 2 },
} as const

export type ScramMechanism = keyof typeof mechanisms

/** All of them, the first being the one that is easiest on the processor. */
export const scramMechanisms: readonly ScramMechanism[] = ['SCRAM-SHA-256', 'SCRAM-SHA-512']

/** Bounds of Apache Kafka for credentials that are set (ScramMechanism, ScramControlManager). */
export const minScramIterations = 4096
export const maxScramIterations = 16_384

/** What the server keeps of a password. */
export interface ScramCredential {
  readonly iterations: number
  readonly salt: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** The number of a mechanism on the wire, and how many bytes its keys have. */
export function scramCode(mechanism: ScramMechanism): number {
  return mechanisms[mechanism].code
}

export function scramKeyBytes(mechanism: ScramMechanism): number {
  return mechanisms[mechanism].sizeBytes
}

const derive = promisify(pbkdf2)

/** The expensive step, outside of the event loop's thread. (RFC 5802: Hi.) */
export function saltPassword(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations }: Pick<ScramCredential, 'salt' | 'iterations'>,
): Promise<Buffer> {
  const { hash, sizeBytes } = mechanisms[mechanism]
  return derive(Buffer.from(password), salt, iterations, sizeBytes, hash)
}

export function scramCredential(
  mechanism: ScramMechanism,
  saltedPassword: Buffer,
  { salt, iterations }: Pick<ScramCredential, 'salt' | 'iterations'>,
): ScramCredential {
  const clientKey = keyed(mechanism, saltedPassword, 'Client Key')
  return {
    iterations,
    salt,
    storedKey: hashed(mechanism, clientKey),
    serverKey: keyed(mechanism, saltedPassword, 'Server Key'),
  }
}

/** What the client shows to prove that it knows the salted password. */
export function clientProof(
  mechanism: ScramMechanism,
  saltedPassword: Buffer,
  authMessage: string,
): Buffer {
  const clientKey = keyed(mechanism, saltedPassword, 'Client Key')
  const signature = keyed(mechanism, hashed(mechanism, clientKey), authMessage)
  return exclusiveOr(clientKey, signature)
}

/** Whether the proof is that of somebody who knows the password. Takes the same time whatever is wrong with it. */
export function isClientProof(
  mechanism: ScramMechanism,
  credential: ScramCredential,
  proof: { readonly authMessage: string; readonly bytes: Buffer },
): boolean {
  if (proof.bytes.length !== mechanisms[mechanism].sizeBytes) return false
  const signature = keyed(mechanism, credential.storedKey, proof.authMessage)
  const clientKey = exclusiveOr(proof.bytes, signature)
  return timingSafeEqual(hashed(mechanism, clientKey), credential.storedKey)
}

/** What the server shows to prove that it knows the credential. */
export function serverSignature(
  mechanism: ScramMechanism,
  serverKey: Buffer,
  authMessage: string,
): Buffer {
  return keyed(mechanism, serverKey, authMessage)
}

/** User names in SCRAM messages, where `,` and `=` have a meaning. */
export function encodeSaslName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

/** Null when it is not an encoded name. */
export function decodeSaslName(encoded: string): string | null {
  if (/=(?!2C|3D)|,/.test(encoded)) return null
  return encoded.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function keyed(mechanism: ScramMechanism, key: Buffer, text: string): Buffer {
  return createHmac(mechanisms[mechanism].hash, key).update(text).digest()
}

function hashed(mechanism: ScramMechanism, bytes: Buffer): Buffer {
  return createHash(mechanisms[mechanism].hash).update(bytes).digest()
}

function exclusiveOr(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, index) => byte ^ (other[index] ?? 0)))
}
