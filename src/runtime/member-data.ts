import { z } from 'zod'
import { MillraceError } from '../errors.ts'

/**
 * What instances tell each other through the group: JSON in the user data of the classic protocol, opaque to the
 * broker. `version` is raised when a reader of the old version would misunderstand the new one.
 */
const memberData = z.object({
  version: z.literal(1),
  processId: z.string().min(1),
  owned: z.array(z.string()),
  stored: z.array(z.string()),
})

const shareData = z.object({ version: z.literal(1), tasks: z.array(z.string()) })

/** What a member says of itself when it joins: who it is, what it ran until now, what state it has on disk. */
export type MemberData = Omit<z.infer<typeof memberData>, 'version'>

export function encodeMemberData(data: MemberData): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, ...data }))
}

/** Throws PROTOCOL_ERROR when the member is not an instance of this release or a compatible one. */
export function decodeMemberData(bytes: Buffer): MemberData {
  return decode(bytes, memberData)
}

/** The tasks that the leader gives to a member. */
export function encodeShare(tasks: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, tasks }))
}

/** Throws PROTOCOL_ERROR like `decodeMemberData`. */
export function decodeShare(bytes: Buffer): string[] {
  return decode(bytes, shareData).tasks
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
