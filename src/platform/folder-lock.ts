import { MillraceError } from '../errors.ts'

/** The file that marks a folder as taken. It stands in the folder itself and shows up in `Files.list`. */
export const lockFileName = '.millrace.lock'

/** The refusal of `Files.lock`: who holds the folder, and what to do. */
export function folderLocked(folder: string, holderPid: number, ownPid: number): MillraceError {
  const holder = holderPid === ownPid ? 'this process itself' : 'another process'
  return new MillraceError(
    'FOLDER_LOCKED',
    `The folder ${folder} is in use by ${holder} (pid ${holderPid}). Stop it first, or choose another folder.`,
  )
}
