import { dirname } from 'node:path'
import type { Files } from './platform.ts'

/**
 * `Files.replace` in terms of the other calls, the same for every implementation: temporary file, sync, rename, sync of
 * the folder. Calls for one path run one after another, so the content of the last call stays and two of them never
 * share the temporary file; one that a crash or a failure left behind is overwritten by the next call.
 */
export function fileReplacer(
  files: Pick<Files, 'open' | 'rename' | 'syncFolder'>,
): Files['replace'] {
  const lastByPath = new Map<string, Promise<void>>()
  return (path, content, { isPrivate = false } = {}) => {
    const replace = (): Promise<void> => replaceFile(files, path, content, isPrivate)
    // Whoever made the earlier call is told of its failure; this call only waits for its end.
    const done = lastByPath.get(path)?.then(replace, replace) ?? replace()
    lastByPath.set(path, done)
    const forget = (): void => {
      if (lastByPath.get(path) === done) lastByPath.delete(path)
    }
    done.then(forget, forget)
    return done
  }
}

async function replaceFile(
  files: Pick<Files, 'open' | 'rename' | 'syncFolder'>,
  path: string,
  content: Buffer,
  isPrivate: boolean,
): Promise<void> {
  const temporary = `${path}.tmp`
  const file = files.open(temporary, { create: true, isPrivate })
  try {
    file.truncate(0)
    file.write(content, 0)
    await file.sync()
  } finally {
    file.close()
  }
  files.rename(temporary, path)
  await files.syncFolder(dirname(path))
}
