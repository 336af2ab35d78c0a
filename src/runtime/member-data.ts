import { z } from 'zod'
import { MillraceError } from '../errors.ts'

/**
 * What instances tell each other through the group: JSON in the user data of the classic protocol, opaque to the
 * broker. `version` is raised when a reader of the old version would misunderstand the new one.
 */
const version = 2

const taskIds = z.array(z.string())

const memberData = z.object({
  version: z.literal(version),
  processId: z.string().min(1),
  owned: taskIds,
  standbys: taskIds,
  stored: z.record(z.string(), z.number()),
  endpoint: z.string().nullable(),
  shutdownRequested: z.boolean(),
})

const shareData = z.object({
  version: z.literal(version),
  tasks: taskIds,
  revoked: taskIds,
  awaitsTasks: z.boolean(),
  standbys: taskIds,
  routing: z.array(z.object({ endpoint: z.string(), active: taskIds, standby: taskIds })),
  shutdown: z.boolean(),
  plan: z.string().nullable(),
  nextProbeAtMs: z.number().nullable(),
})

/** What a member says of itself when it joins. */
export interface MemberData {
  /** Stable across restarts of the instance. */
  readonly processId: string
  /** Tasks that it was given and has not given up. */
  readonly owned: readonly string[]
  /** Tasks whose state it keeps ready. */
  readonly standbys: readonly string[]
  /** Tasks whose state it has, with the sum of the changelog offsets that its stores are at. */
  readonly stored: Readonly<Record<string, number>>
  /** `host:port` at which its stores can be asked; null where they cannot. */
  readonly endpoint: string | null
  /** It asks all instances of the application to stop. */
  readonly shutdownRequested: boolean
}

/** In `MemberData.stored`: there is state, and nobody has looked how far it goes. */
export const unknownOffset = -1

/** In `MemberData.stored`: the task runs there, so nobody has more of its state. */
export const allOffsets = -2

/** What the leader gives to a member. */
export interface Share {
  /** Tasks to run: those that run already go on. */
  readonly tasks: readonly string[]
  /** Tasks to commit and close, because others are to have them; the member joins again when that is done. */
  readonly revoked: readonly string[]
  /** Others have tasks that this member is to have: it gets them when they have given them up. */
  readonly awaitsTasks: boolean
  /** Tasks whose state to keep ready beside the instance that runs them. */
  readonly standbys: readonly string[]
  /** Which instances have which tasks, of those whose stores can be asked. */
  readonly routing: readonly Route[]
  /** All instances stop. */
  readonly shutdown: boolean
  /** `planDigest` of what the leader shared out; null when it left the member out. */
  readonly plan: string | null
  /** When this member is to ask for a rebalance again, in milliseconds since 1970; null when there is nothing to come. */
  readonly nextProbeAtMs: number | null
}

/** An instance whose stores can be asked. */
export interface Route {
  readonly endpoint: string
  readonly active: readonly string[]
  readonly standby: readonly string[]
}

/** The share of a member to whom the leader gave nothing. */
export const emptyShare: Share = {
  tasks: [],
  revoked: [],
  awaitsTasks: false,
  standbys: [],
  routing: [],
  shutdown: false,
  plan: null,
  nextProbeAtMs: null,
}

export function encodeMemberData(data: MemberData): Buffer {
  return Buffer.from(JSON.stringify({ version, ...data }))
}

/** Throws PROTOCOL_ERROR when the member is not an instance of this release or a compatible one. */
export function decodeMemberData(bytes: Buffer): MemberData {
  return decode(bytes, memberData)
}

export function encodeShare(share: Share): Buffer {
  return Buffer.from(JSON.stringify({ version, ...share }))
}

/** Throws PROTOCOL_ERROR like `decodeMemberData`. */
export function decodeShare(bytes: Buffer): Share {
  return decode(bytes, shareData)
}

function decode<T>(bytes: Buffer, schema: z.ZodType<T>): T {
  try {
    return schema.parse(JSON.parse(bytes.toString()))
  } catch (cause) {
    throw new MillraceError(
      'PROTOCOL_ERROR',
      `A member of the group sent user data that this version of Millrace does not understand: ` +
        `${JSON.stringify(bytes.toString().slice(0, 200))}. Run the same version of the application everywhere, and ` +
        `give other programs another group name.`,
      { cause },
    )
  }
}
