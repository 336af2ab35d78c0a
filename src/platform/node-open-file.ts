import fs from 'node:fs'
import { MillraceError } from '../errors.ts'
import { attempt, fileError } from './file-error.ts'
import type { OpenFile } from './platform.ts'

const { O_CREAT, O_RDWR } = fs.constants

/** Opens a file of the operating system for positional reads and writes. */
export function openNodeFile(path: string, create: boolean, isPrivate: boolean): OpenFile {
  const flags = create ? O_RDWR | O_CREAT : O_RDWR
  const mode = isPrivate ? 0o600 : 0o666
  const descriptor = attempt('open', path, () => fs.openSync(path, flags, mode))
  let closed = false
  let syncing = 0

  /** The system soon gives the number of a closed descriptor to another file: nothing may use it after the end. */
  const opened = (): number => {
    if (closed) throw new MillraceError('CLOSED', `The file ${path} was closed before this call.`)
    return descriptor
  }

  const closeDescriptor = (): void => attempt('close', path, () => fs.closeSync(descriptor))

  return {
    path,
    size: () => attempt('look at', path, () => fs.fstatSync(opened()).size),

    write(bytes, position) {
      attempt('write', path, () => writeAll(opened(), bytes, position))
    },

    writev(chunks, position) {
      attempt('write', path, () => {
        const written = fs.writevSync(opened(), chunks, position)
        // The system may take less than everything, for instance at the edge of a full disk.
        let start = 0
        for (const chunk of chunks) {
          const end = start + chunk.byteLength
          if (end > written) {
            const done = Math.max(0, written - start)
            writeAll(opened(), chunk.subarray(done), position + start + done)
          }
          start = end
        }
      })
    },

    read(target, offset, length, position) {
      return attempt('read', path, () => {
        let done = 0
        while (done < length) {
          const at = position + done
          const count = fs.readSync(opened(), target, offset + done, length - done, at)
          if (count === 0) break
          done += count
        }
        return done
      })
    },

    truncate(size) {
      attempt('truncate', path, () => fs.ftruncateSync(opened(), size))
    },

    async sync() {
      const synced = opened()
      syncing += 1
      try {
        await new Promise<void>((resolve, reject) => {
          fs.fdatasync(synced, error => {
            if (error === null) resolve()
            else reject(fileError('sync', path, error))
          })
        })
      } finally {
        syncing -= 1
        if (closed && syncing === 0) closeDescriptor()
      }
    },

    close() {
      if (closed) return
      closed = true
      // A sync on its way still needs the descriptor; the last one closes it.
      if (syncing === 0) closeDescriptor()
    },
  }
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  let done = 0
  while (done < bytes.byteLength) {
    done += fs.writeSync(descriptor, bytes, done, bytes.byteLength - done, position + done)
  }
}
