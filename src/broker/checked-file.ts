/**
 * Small files of the data folder: one line `millrace <kind> <version> <crc32c>`, then JSON. People can read them, and a
 * damaged one is refused instead of half believed. To change the content of a kind incompatibly, raise its version
 * where it is written and keep reading the old one there.
 */
import { join } from 'node:path'
import type { Files } from '../platform/platform.ts'
import { crc32c } from '../protocol/crc32c.ts'
import { MillraceError } from '../errors.ts'

export interface CheckedFile {
  readonly files: Files
  readonly folder: string
  /** Name of the file, which is also its kind. */
  readonly name: string
  readonly version: number
  /** Whether nobody but the owner of the broker's process may read it. */
  readonly isPrivate?: boolean
}

/** The content, or undefined when there is no file. Throws CORRUPT_DATA when it is not what was written. */
export function readChecked(file: CheckedFile): unknown {
  const path = join(file.folder, file.name)
  const bytes = file.files.read(path)
  if (bytes === undefined) return undefined
  const end = bytes.indexOf(10)
  const [magic, kind, version, checksum] = bytes.toString('utf8', 0, Math.max(end, 0)).split(' ')
  if (magic !== 'millrace' || kind !== file.name)
    throw corrupt(path, 'it is not a file of Millrace')
  if (version !== String(file.version)) {
    throw corrupt(
      path,
      `it has format version ${version}, and this release reads version ${file.version} only`,
    )
  }
  const body = bytes.subarray(end + 1)
  if (checksum !== checksumOf(body)) throw corrupt(path, 'its checksum does not fit its content')
  const content: unknown = JSON.parse(body.toString('utf8'))
  return content
}

/** Replaces the file as a whole; durable when the promise resolves. */
export async function writeChecked(file: CheckedFile, content: object): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(content, null, 2)}\n`)
  const head = Buffer.from(`millrace ${file.name} ${file.version} ${checksumOf(body)}\n`)
  const { isPrivate = false } = file
  const path = join(file.folder, file.name)
  await file.files.replace(path, Buffer.concat([head, body]), { isPrivate })
}

/** The error for content that passed its checksum and still makes no sense, or that did not pass it. */
export function corrupt(path: string, why: string): MillraceError {
  return new MillraceError(
    'CORRUPT_DATA',
    `The file ${path} cannot be used: ${why}. Restore the data folder from a backup, or start with an empty folder.`,
  )
}

function checksumOf(body: Buffer): string {
  return (crc32c(body) >>> 0).toString(16).padStart(8, '0')
}
