import fs from 'node:fs'
import { dirname, resolve } from 'node:path'
import { attempt, fileError, systemCode } from './file-error.ts'
import { lockFolder } from './node-folder-lock.ts'
import { openNodeFile } from './node-open-file.ts'
import type { Files } from './platform.ts'
import { fileReplacer } from './replace-file.ts'

/** Files of the operating system; `bootId` goes into folder locks. */
export function nodeFiles(bootId: string): Files {
  const files: Omit<Files, 'replace'> = {
    open: (path, { create = false, isPrivate = false } = {}) =>
      openNodeFile(path, create, isPrivate),

    read(path) {
      try {
        return fs.readFileSync(path)
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined
        throw fileError('read', path, error)
      }
    },

    list(folder) {
      try {
        return fs.readdirSync(folder).sort()
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return []
        throw fileError('list', folder, error)
      }
    },

    size(path) {
      const stats = attempt('look at', path, () => fs.statSync(path, { throwIfNoEntry: false }))
      return stats?.isFile() ? stats.size : undefined
    },

    volume(folder) {
      const { blocks, bavail, bsize } = attempt('measure', folder, () => fs.statfsSync(folder))
      return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
    },

    makeFolder(folder) {
      attempt('create the folder', folder, () => makeFolder(resolve(folder)))
    },

    rename(from, to) {
      attempt('rename', `${from} to ${to}`, () => fs.renameSync(from, to))
    },

    remove(path) {
      attempt('remove', path, () => fs.rmSync(path, { recursive: true, force: true }))
    },

    syncFolder,
    lock: folder => attempt('lock', folder, () => lockFolder(folder, bootId)),
  }
  return { ...files, replace: fileReplacer(files) }
}

/**
 * Level by level: Node's own `recursive` never returns where a file system answers ENOENT to whoever makes a folder although
 * the parent is there, as Linux does under /proc.
 */
function makeFolder(folder: string): void {
  const parent = dirname(folder)
  if (parent !== folder && !fs.existsSync(parent)) makeFolder(parent)
  try {
    fs.mkdirSync(folder)
  } catch (error) {
    if (!isFolder(folder)) throw error
  }
}

const isFolder = (path: string): boolean =>
  fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open a folder; NTFS journals its entries by itself.
  if (process.platform === 'win32') return
  const descriptor = attempt('open the folder', folder, () => fs.openSync(folder, 'r'))
  try {
    await new Promise<void>((resolve, reject) => {
      fs.fsync(descriptor, error => {
        if (error === null) resolve()
        else reject(fileError('sync the folder', folder, error))
      })
    })
  } finally {
    attempt('close the folder', folder, () => fs.closeSync(descriptor))
  }
}
