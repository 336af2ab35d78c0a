/** The file `partition.metadata` as Apache Kafka writes it: which topic, by id, the folder belongs to. */
import path from 'node:path'
import { MillraceError } from '../../errors.ts'
import type { Files } from '../../platform/platform.ts'
import { metadataFile } from './file-names.ts'

export interface FolderClaim {
  readonly files: Files
  readonly folder: string
  /** Lower-case hexadecimal with dashes. */
  readonly topicId: string
}

/**
 * Makes the folder when it is not there and records the topic in it. Resolves with whether it was new. Throws
 * CORRUPT_DATA when the folder belongs to another topic.
 */
export async function claimFolder({ files, folder, topicId }: FolderClaim): Promise<boolean> {
  const file = path.join(folder, metadataFile)
  const content = files.read(file)
  if (content !== undefined) {
    const found = decodePartitionMetadata(content)
    if (found === topicId) return false
    throw new MillraceError(
      'CORRUPT_DATA',
      `${file} names the topic id ${found ?? '(unreadable)'} where ${topicId} is expected: the folder belongs to ` +
        `another topic. Restore the right folder, or move this one away.`,
    )
  }
  files.makeFolder(folder)
  await files.replace(file, encodePartitionMetadata(topicId))
  return true
}

export function encodePartitionMetadata(topicId: string): Buffer {
  const id = Buffer.from(topicId.replaceAll('-', ''), 'hex').toString('base64url')
  return Buffer.from(`version: 0\ntopic_id: ${id}\n`)
}

/** Undefined when the content is not such a file. */
export function decodePartitionMetadata(content: Buffer): string | undefined {
  const match = /^version: 0\s+topic_id: ([\w-]{22})\s*$/.exec(content.toString('latin1'))
  if (match === null) return undefined
  const hex = Buffer.from(match[1] ?? '', 'base64url').toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
