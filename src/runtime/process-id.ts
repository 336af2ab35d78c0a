import { join } from 'node:path'
import { z } from 'zod'
import { MillraceError } from '../errors.ts'
import type { Platform } from '../platform/platform.ts'

/**
 * The identity of the instance that works in a state folder: made once and kept in `process.json` there, so that a
 * restart (after `kill -9` too) presents itself to the group as the same static member and gets its tasks back at once,
 * without a rebalance. Kafka Streams' `kafka-streams-process-metadata`, KIP-345.
 *
 * Throws CORRUPT_DATA when the file holds something else.
 */
export async function loadProcessId(stateFolder: string, platform: Platform): Promise<string> {
  const path = join(stateFolder, 'process.json')
  const content = platform.files.read(path)
  if (content !== undefined) return parse(content, path)
  const processId = platform.random.bytes(16).toString('hex')
  await platform.files.replace(path, Buffer.from(`${JSON.stringify({ processId })}\n`))
  return processId
}

const processFile = z.object({ processId: z.string().min(1) })

function parse(content: Buffer, path: string): string {
  try {
    return processFile.parse(JSON.parse(content.toString())).processId
  } catch (cause) {
    throw new MillraceError(
      'CORRUPT_DATA',
      `${path} does not name a process id. Delete the file: the instance then gets a new identity and takes part in ` +
        `the next rebalance as a new member.`,
      { cause },
    )
  }
}
