import { dirname, resolve } from 'node:path'
import type { Files } from '../platform/platform.ts'

/**
 * Creates a folder and its parents and makes them durable. Syncing a file or its folder does not keep the folder itself
 * from vanishing when the power fails: its name stands in its parent.
 */
export async function makeDurableFolder(files: Files, folder: string): Promise<void> {
  const made: string[] = []
  let path = resolve(folder)
  while (path !== dirname(path) && files.list(path).length === 0) {
    made.push(path)
    path = dirname(path)
  }
  files.makeFolder(folder)
  for (const name of made) await files.syncFolder(dirname(name))
}
