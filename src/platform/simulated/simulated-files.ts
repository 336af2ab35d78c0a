import { posix } from 'node:path'
import { attempt, failureOf } from '../file-error.ts'
import { folderLocked, lockFileName } from '../folder-lock.ts'
import type { Files } from '../platform.ts'
import { fileReplacer } from '../replace-file.ts'
import type { Disk, FileNode, FolderNode } from './disk.ts'
import type { OperationKind } from './operation.ts'
import type { Range } from './seeded-random.ts'
import { openSimulatedFile } from './simulated-open-file.ts'
import { systemError } from './system-error.ts'
import type { Life, World } from './world.ts'

/** What the files of one process stand on. */
export interface FilesHost {
  readonly world: World
  readonly life: Life
  readonly disk: Disk
  /** How long the device takes for a sync. */
  readonly syncMs: Range
  /** Told of each operation before it takes place; what it throws makes the operation fail. */
  readonly begin: (kind: OperationKind, path: string, detail: string) => void
}

/** Larger than anything that a simulation writes. */
const VOLUME_BYTES = 1024 ** 4

/**
 * Files in memory, as one process sees them. A process that ended keeps the disk it had, so that what is still on its
 * stack runs on undisturbed; the next process has another one.
 */
export function simulatedFiles(host: FilesHost): Files {
  const { world, life, disk } = host
  const random = world.random(`disk ${life.pid}`)
  const locked = new Set<string>()

  const begin = (kind: OperationKind, path: string, detail = ''): void => {
    if (life.alive) host.begin(kind, path, detail)
  }

  /** Settles when the device has finished, and never if the process ends before. */
  const flush = (failure: Error | undefined, finish: () => void): Promise<void> =>
    new Promise((resolve, reject) => {
      world.after(random.within(host.syncMs), life, () => {
        finish()
        if (failure === undefined) resolve()
        else reject(failure)
      })
    })

  const file = (path: string): FileNode | undefined => {
    const node = disk.find(path)
    if (node?.kind === 'folder') throw systemError('EISDIR')
    return node
  }

  const folder = (path: string): FolderNode | undefined => {
    const node = disk.find(path)
    if (node?.kind === 'file') throw systemError('ENOTDIR')
    return node
  }

  const files: Omit<Files, 'replace'> = {
    open(given, { create = false } = {}) {
      const path = absolute(given)
      return attempt('open', given, () => {
        begin('open', path)
        const node = file(path) ?? (create ? disk.createFile(path) : undefined)
        if (node === undefined) throw systemError('ENOENT')
        return openSimulatedFile(given, node.content, {
          begin: (kind, detail) => begin(kind, path, detail),
          flush,
          random,
        })
      })
    },

    read(given) {
      const path = absolute(given)
      return attempt('read', given, () => {
        begin('read', path)
        const node = file(path)
        return node && Buffer.from(node.content.view)
      })
    },

    list(given) {
      const path = absolute(given)
      return attempt('list', given, () => {
        begin('list', path)
        return [...(folder(path)?.entries.keys() ?? [])].sort()
      })
    },

    size(given) {
      const path = absolute(given)
      return attempt('look at', given, () => {
        begin('size', path)
        const node = disk.find(path)
        return node?.kind === 'file' ? node.content.size : undefined
      })
    },

    volume(given) {
      const path = absolute(given)
      return attempt('measure', given, () => {
        begin('volume', path)
        if (folder(path) === undefined) throw systemError('ENOENT')
        return { totalBytes: VOLUME_BYTES, usableBytes: VOLUME_BYTES - disk.usedBytes() }
      })
    },

    makeFolder(given) {
      const path = absolute(given)
      attempt('create the folder', given, () => {
        begin('makeFolder', path)
        disk.makeFolder(path)
      })
    },

    rename(from, to) {
      attempt('rename', `${from} to ${to}`, () => {
        begin('rename', absolute(from), `to ${absolute(to)}`)
        disk.rename(absolute(from), absolute(to))
      })
    },

    remove(given) {
      const path = absolute(given)
      attempt('remove', given, () => {
        begin('remove', path)
        disk.remove(path)
      })
    },

    async syncFolder(given) {
      const path = absolute(given)
      const node = attempt('open the folder', given, () => folder(path) ?? fail('ENOENT'))
      const failure = failureOf('sync the folder', given, () => begin('syncFolder', path))
      const upTo = disk.latestChange
      await flush(failure, () => {
        if (failure === undefined) disk.folderSynced(node, upTo)
      })
    },

    lock(given) {
      const path = absolute(given)
      return attempt('lock', given, () => {
        begin('lock', path)
        // A lock file that is there without being held here was left by a process that ended.
        if (locked.has(path)) throw folderLocked(given, life.pid, life.pid)
        if (folder(path) === undefined) throw systemError('ENOENT')
        const lockFile = posix.join(path, lockFileName)
        disk.remove(lockFile)
        disk.createFile(lockFile).content.write(Buffer.from(`pid ${life.pid}`), 0)
        locked.add(path)
        let released = false
        return {
          release() {
            if (released) return
            released = true
            locked.delete(path)
            disk.remove(lockFile)
          },
        }
      })
    },
  }
  return { ...files, replace: fileReplacer(files) }
}

function fail(code: string): never {
  throw systemError(code)
}

function absolute(path: string): string {
  return posix.resolve('/', path)
}
