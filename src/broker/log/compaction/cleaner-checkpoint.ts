/**
 * The file `cleaner.checkpoint`, Millrace's own: up to where the log has been compacted. (Kafka keeps the same number in
 * `cleaner-offset-checkpoint`, for all partitions of a data folder.) A missing or damaged one costs time, not data: then
 * all counts as not compacted.
 *
 *     0                        version: a reader takes no other
 *     firstDirtyOffset 1200    no record below it is older than another one below it with the same key
 *     crc32c 1a2b3c4d          of all lines above
 */
import path from 'node:path'
import type { Files } from '../../../platform/platform.ts'
import { crc32c } from '../../../protocol/crc32c.ts'

const fileIn = (folder: string): string => path.join(folder, 'cleaner.checkpoint')

export function readFirstDirtyOffset(files: Files, folder: string): number {
  const content = files.read(fileIn(folder))?.toString('latin1') ?? ''
  const match = /^(0\nfirstDirtyOffset (\d+)\n)crc32c ([0-9a-f]{8})\n$/.exec(content)
  return match !== null && crcOf(match[1] ?? '') === match[3] ? Number(match[2]) : 0
}

/** Durable when the promise resolves. */
export function writeFirstDirtyOffset(files: Files, folder: string, offset: number): Promise<void> {
  const text = `0\nfirstDirtyOffset ${offset}\n`
  return files.replace(fileIn(folder), Buffer.from(`${text}crc32c ${crcOf(text)}\n`))
}

function crcOf(text: string): string {
  return crc32c(Buffer.from(text)).toString(16).padStart(8, '0')
}
