/**
 * How a run of segments is replaced by one written anew, so that a crash at any point leaves the old or the new:
 *
 * 1. `<base>.cleaned` is written and synced, and `<base>.txncleaned` if a segment of the run has aborted transactions. They
 *    count for nothing: whoever finds one removes it.
 * 2. They are renamed to `<base>-<end>.txnswap` and `<base>-<end>.swap`, and the folder is synced after each. From here on the
 *    latter counts: whoever finds one goes on.
 * 3. The indexes of the run are removed, and its logs and lists of aborted transactions except the first, and the folder
 *    is synced.
 * 4. The new list is renamed over the first one, then the new log, and the folder is synced after each. Only now, because
 *    beside the new log those of step 3 would be taken for what follows it.
 *
 * Without the syncs between, a power loss may keep the new log and take its list: readers would be shown what was aborted.
 *
 * A step that fails is done again, or taken back, before anything else is removed from the log.
 * (Kafka: LocalLog.replaceSegments, LogLoader.completeSwapOperations.)
 */
import path from 'node:path'
import type { Files } from '../../../platform/platform.ts'
import { offsetsOf, segmentPath } from '../file-names.ts'

export interface Swap {
  readonly files: Files
  readonly folder: string
  /** First offset of the segments that are replaced, and the first one after them. */
  readonly base: number
  readonly end: number
}

const digits = (offset: number): string => String(offset).padStart(20, '0')

export function cleanedPath(folder: string, base: number): string {
  return path.join(folder, `${digits(base)}.cleaned`)
}

/** As `cleanedPath`, of the aborted transactions. */
export function cleanedAbortedPath(folder: string, base: number): string {
  return path.join(folder, `${digits(base)}.txncleaned`)
}

function swapAbortedPath({ folder, base, end }: Swap): string {
  return path.join(folder, `${digits(base)}-${digits(end)}.txnswap`)
}

function swapPath({ folder, base, end }: Swap): string {
  return path.join(folder, `${digits(base)}-${digits(end)}.swap`)
}

/** Step 2: from now on the new log counts. */
export async function beginSwap(swap: Swap): Promise<void> {
  const { files, folder, base } = swap
  const aborted = cleanedAbortedPath(folder, base)
  if (files.size(aborted) !== undefined) {
    files.rename(aborted, swapAbortedPath(swap))
    await files.syncFolder(folder)
  }
  files.rename(cleanedPath(folder, base), swapPath(swap))
  await files.syncFolder(folder)
}

/** Steps 3 and 4; may be done again when it failed. Nobody may open the old segments any more. */
export async function finishSwap(swap: Swap): Promise<void> {
  const { files, folder, base, end } = swap
  const names = files.list(folder)
  for (const kind of ['log', 'index', 'timeindex', 'txnindex'] as const) {
    for (const offset of offsetsOf(names, kind)) {
      const isReplaced = offset >= base && offset < end
      const isFirst = offset === base && (kind === 'log' || kind === 'txnindex')
      if (isReplaced && !isFirst) {
        files.remove(segmentPath(folder, offset, kind))
      }
    }
  }
  await files.syncFolder(folder)
  if (files.size(swapAbortedPath(swap)) !== undefined) {
    files.rename(swapAbortedPath(swap), segmentPath(folder, base, 'txnindex'))
    await files.syncFolder(folder)
  }
  if (files.size(swapPath(swap)) !== undefined) {
    files.rename(swapPath(swap), segmentPath(folder, base, 'log'))
  }
  await files.syncFolder(folder)
}

/** Takes back what has not come to count for this process, and no other one has seen. */
export function removeUnfinished(files: Files, folder: string): void {
  for (const name of files.list(folder)) {
    if (/\.(txn)?(cleaned|swap)(\.tmp)?$/.test(name)) files.remove(path.join(folder, name))
  }
}

/** Finishes or undoes what a process left behind when it ended. */
export async function recoverSwaps(files: Files, folder: string): Promise<void> {
  for (const name of files.list(folder)) {
    const [, base, end] = /^(\d{20})-(\d{20})\.swap$/.exec(name) ?? []
    if (base === undefined || end === undefined) continue
    const swap = { files, folder, base: Number(base), end: Number(end) }
    // It may have been renamed without having become durable.
    await files.syncFolder(folder)
    await finishSwap(swap)
  }
  removeUnfinished(files, folder)
}
