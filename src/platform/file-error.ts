import { MillraceError } from '../errors.ts'

/**
 * The FILE_ERROR for a failed file operation: what was tried, on which path, and what the person who runs the process
 * can do about it. `cause` is the system's error; its `code` (ENOSPC, EIO, …) stays readable there.
 */
export function fileError(action: string, path: string, cause: unknown): MillraceError {
  const code = systemCode(cause)
  const reason = code === '' ? String(cause) : code
  const advice =
    adviceByCode[code] ?? 'Look at the cause, mend the file or its disk, and try again.'
  return new MillraceError('FILE_ERROR', `Could not ${action} ${path} (${reason}). ${advice}`, {
    cause,
  })
}

/** Runs `call`; what the system throws becomes the FILE_ERROR for `action` on `path`. */
export function attempt<Result>(action: string, path: string, call: () => Result): Result {
  try {
    return call()
  } catch (error) {
    throw error instanceof MillraceError ? error : fileError(action, path, error)
  }
}

/** The same for a failure that is to be reported later: undefined when there is none. */
export function failureOf(
  action: string,
  path: string,
  call: () => void,
): MillraceError | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    return fileError(action, path, error)
  }
}

/** The `code` of an error that the operating system reported, or '' when it carries none. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}

const adviceByCode: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such file or folder: check the path.',
  EEXIST: 'Something of that name is already there: remove it or choose another path.',
  ENOTDIR: 'A part of the path is a file where a folder is needed: choose another path.',
  EISDIR: 'It is a folder where a file is needed: choose another path.',
  ENOTEMPTY: 'The folder is not empty: remove what it holds or choose another path.',
  EACCES: 'Give this user the right to use it, or choose another path.',
  EPERM: 'Give this user the right to do it, or choose another path.',
  EROFS: 'The file system is read-only: mount it writable or choose another path.',
  ENOSPC: 'The disk is full: free some space.',
  EDQUOT: 'The disk quota is used up: free some space or raise the quota.',
  EFBIG: 'The file would grow beyond what the file system allows: use smaller segments.',
  EIO: 'The device failed: check the disk before trusting what is on it.',
  EMFILE: 'This process has too many files open: raise the limit (ulimit -n).',
  ENFILE: 'The machine has too many files open: close some or raise its limit.',
}
