import { dirname, resolve } from 'node:path'
import type { Files } from './platform.ts'

/**
 * Creates a folder and its parents so that power loss cannot take them away again with all they hold: the name of a folder
 * stands in its parent, which is synced before the next level is made. The innermost one is synced at every call, since a
 * process may have ended between the two steps.
 */
export async function makeDurableFolder(files: Files, folder: string): Promise<void> {
  const levels = [resolve(folder)]
  for (let level = dirname(resolve(folder)); isNew(files, level); level = dirname(level)) {
    levels.unshift(level)
  }
  for (const level of levels) {
    files.makeFolder(level)
    await files.syncFolder(dirname(level))
  }
}

/** Absent, or empty, which makes no difference to who makes it durable. */
const isNew = (files: Files, folder: string): boolean =>
  folder !== dirname(folder) && files.list(folder).length === 0
