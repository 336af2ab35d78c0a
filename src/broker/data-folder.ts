/**
 * Who the data folder belongs to. `format` holds the identity of cluster and node and the broker epoch, which grows with
 * every start: it is also the leader epoch of all partitions while there is one node, because clients discard metadata
 * with an older epoch than they have seen.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { makeDurableFolder } from '../platform/make-durable-folder.ts'
import type { FolderLock, Platform } from '../platform/platform.ts'
import { MillraceError } from '../errors.ts'
import { type CheckedFile, corrupt, readChecked, writeChecked } from './checked-file.ts'

export interface DataFolder {
  readonly path: string
  readonly clusterId: string
  readonly nodeId: number
  readonly brokerEpoch: number
  readonly lock: FolderLock
}

const identity = z.strictObject({
  clusterId: z.string().min(1),
  nodeId: z.int().min(0),
  brokerEpoch: z.int().min(1).max(2147483646),
})

/**
 * Locks the folder, creating it if need be, and counts this start. Throws FOLDER_LOCKED while a living process holds
 * it, CORRUPT_DATA when it is not a data folder of this version, INVALID_CONFIG when it belongs to another node.
 */
export async function openDataFolder(
  platform: Platform,
  path: string,
  nodeId: number,
): Promise<DataFolder> {
  const { files } = platform
  await makeDurableFolder(files, path)
  const lock = files.lock(path)
  try {
    const file: CheckedFile = { files, folder: path, name: 'format', version: 1 }
    const known = readIdentity(file)
    if (known !== undefined && known.nodeId !== nodeId) {
      throw new MillraceError(
        'INVALID_CONFIG',
        `The data folder ${path} belongs to node ${known.nodeId}, and this broker is node ${nodeId}. Give each broker its own folder.`,
      )
    }
    if (known === undefined && files.list(join(path, 'logs')).length > 0) {
      throw corrupt(join(path, 'format'), 'it is missing although the folder holds topics')
    }
    const clusterId = known?.clusterId ?? platform.random.bytes(16).toString('base64url')
    const brokerEpoch = (known?.brokerEpoch ?? 0) + 1
    await writeChecked(file, { clusterId, nodeId, brokerEpoch })
    return { path, clusterId, nodeId, brokerEpoch, lock }
  } catch (error) {
    lock.release()
    throw error
  }
}

function readIdentity(file: CheckedFile): z.infer<typeof identity> | undefined {
  const content = readChecked(file)
  if (content === undefined) return undefined
  const parsed = identity.safeParse(content)
  if (!parsed.success) throw corrupt(join(file.folder, file.name), 'its fields are not as expected')
  return parsed.data
}
