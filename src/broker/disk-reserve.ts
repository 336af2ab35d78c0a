/**
 * Space set aside in the data folder, so that on a full disk the broker can start, and records and topics can still be deleted: to strike a topic out
 * of the register, or to move the start of a partition, takes a few bytes more before it gives any back. The file `reserve`
 * is worth nothing but its size.
 */
import { join } from 'node:path'
import { MillraceError } from '../errors.ts'
import { systemCode } from '../platform/file-error.ts'
import type { Files } from '../platform/platform.ts'

export interface DiskReserve {
  /** Sets the space aside, if there is any and it is not yet. */
  fill(): void
  /** Does the work; when the disk is full, once more with the space that was set aside. */
  spend<T>(work: () => Promise<T>): Promise<T>
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
        // Without it everything works but deletions on a full disk, and they may; the space is better free than half used.
        files.remove(path)
      }
    },
    async spend(work) {
      try {
        return await work()
      } catch (error) {
        if (!isDiskFull(error) || files.size(path) === undefined) throw error
        files.remove(path)
        return work()
      }
    },
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof MillraceError && ['ENOSPC', 'EDQUOT'].includes(systemCode(error.cause))
}
