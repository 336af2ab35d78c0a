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

export function openProducerIds(files: Files, folder: string): ProducerIds {
  const file = { files, folder, name: 'producer-ids', version: 1 }
  let nextBlock = readNextBlock()
  let nextId = nextBlock
  let reserving: Promise<void> | null = null

  function readNextBlock(): number {
    const known = readChecked(file)
    if (known === undefined) return 1
    const parsed = content.safeParse(known)
    if (!parsed.success) throw corrupt(join(folder, file.name), 'its fields are not as expected')
    return parsed.data.nextBlock
  }

  async function reserve(): Promise<void> {
    await writeChecked(file, { nextBlock: nextBlock + BLOCK })
    nextBlock += BLOCK
  }

  return {
    async next() {
      while (nextId === nextBlock) {
        reserving ??= reserve().finally(() => (reserving = null))
        await reserving
      }
      return BigInt(nextId++)
    },
  }
}
