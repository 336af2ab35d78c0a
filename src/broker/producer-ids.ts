/**
 * Producer ids, never given out twice: a block is written to the file before its first id is used, and what is left of
 * a block at a restart is lost. Ids start at 1, so that (0, 0), which some clients send for "none", is nobody's.
 */
import { join } from 'node:path'
import { z } from 'zod'
import type { Files } from '../platform/platform.ts'
import { corrupt, readChecked, writeChecked } from './checked-file.ts'

const BLOCK = 1000
const content = z.strictObject({ nextBlock: z.int().min(1) })

export interface ProducerIds {
  /** A producer id that nobody has had before. Rejects with FILE_ERROR when the next block cannot be reserved. */
  next(): Promise<bigint>
}

/** `largestInUse`: asked when the file is not there, which is so in a new folder or has been lost. */
export function openProducerIds(
  files: Files,
  folder: string,
  largestInUse: () => bigint,
): ProducerIds {
  const file = { files, folder, name: 'producer-ids', version: 1 }
  let nextBlock = readNextBlock()
  let nextId = nextBlock
  let reserving: Promise<number> | null = null

  function readNextBlock(): number | undefined {
    const known = readChecked(file)
    if (known === undefined) return undefined
    const parsed = content.safeParse(known)
    if (!parsed.success) throw corrupt(join(folder, file.name), 'its fields are not as expected')
    return parsed.data.nextBlock
  }

  /** The first id of a block that is nobody's. */
  async function reserve(): Promise<number> {
    const first = nextBlock ?? Math.max(1, Number(largestInUse()) + 1)
    await writeChecked(file, { nextBlock: first + BLOCK })
    nextBlock = first + BLOCK
    return first
  }

  return {
    async next() {
      while (nextId === undefined || nextId === nextBlock) {
        reserving ??= reserve().finally(() => (reserving = null))
        const first = await reserving
        // Of those who waited for the block, the first begins with it.
        if (nextId === undefined || nextId < first) nextId = first
      }
      return BigInt(nextId++)
    },
  }
}
