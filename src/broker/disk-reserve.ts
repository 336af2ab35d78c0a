/**
 * Space set aside in the data folder, so that on a full disk a topic can still be deleted: to strike it out of the register
 * takes a few bytes more before it gives any back. The file `reserve` is worth nothing but its size. It is removed and the
 * register written without a pause between, so no other write of this process gets the space.
 */
import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import { systemCode } from '../platform/file-error.ts'
import type { Files } from '../platform/platform.ts'

export interface DiskReserve {
  /** Sets the space aside, if there is any and it is not yet. */
  fill(): void
  /** Does the work; when the disk is full, once more with the space that was set aside. */
  spend(work: () => Promise<void>): Promise<void>
}

/** More than a register of as many topics as a broker takes. */
const reserveBytes = 1 << 20

export function diskReserve(files: Files, folder: string): DiskReserve {
  const path = join(folder, 'reserve')
  return {
    fill() {
      if (files.size(path) === reserveBytes) return
      try {
        const file = files.open(path, { create: true })
        try {
          file.write(Buffer.alloc(reserveBytes, 1), 0)
        } finally {
          file.close()
        }
      } catch (error) {
        if (!isDiskFull(error)) throw error
        // Without it everything works but the deletion of topics, and that may; the space is better free than half used.
        files.remove(path)
      }
    },
    async spend(work) {
      try {
        await work()
      } catch (error) {
        if (!isDiskFull(error) || files.size(path) === undefined) throw error
        files.remove(path)
        await work()
      }
    },
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof MillraceError && ['ENOSPC', 'EDQUOT'].includes(systemCode(error.cause))
}
