import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { systemCode } from './file-error.ts'
import { folderLocked, lockFileName } from './folder-lock.ts'
import type { FolderLock } from './platform.ts'

/**
 * The folder lock. Node has no flock(2), so the lock is a file that names its holder, and a lock whose holder is dead
 * is taken over.
 *
 * - The file is written under another name and linked into place: `link` fails when the name is there, and nobody ever
 *   reads a half-written holder. (A power loss can leave one; a boot that is over is dead anyway.)
 * - A holder is its process id, the time that process started (process ids come back) and the boot of the machine.
 * - Two processes that find the same dead holder must not both replace it, and a slow one must not replace the fresh
 *   lock of a fast one. So whoever takes over first takes a second lock, named after the dead holder's nonce, and looks
 *   again: while it holds that, nobody else may replace a lock with that nonce. Should it die there, its second lock is
 *   a dead lock like any other.
 *
 * Processes in different containers cannot see each other: two containers must not share one folder.
 */
export function lockFolder(folder: string, bootId: string): FolderLock {
  const path = join(folder, lockFileName)
  const own: Holder = {
    pid: process.pid,
    startedAt: startOfProcess(process.pid) ?? '',
    bootId,
    nonce: randomBytes(8).toString('hex'),
  }
  take(folder, path, own)
  return { release: () => release(path, own) }
}

interface Holder {
  readonly pid: number
  /** When the process started, in the kernel's own unit; '' where that is not known. */
  readonly startedAt: string
  readonly bootId: string
  readonly nonce: string
}

function take(folder: string, path: string, own: Holder): void {
  const draft = `${path}.draft-${own.nonce}`
  try {
    fs.writeFileSync(draft, JSON.stringify(own))
    while (!linked(draft, path)) {
      const holder = readHolder(path)
      if (holder === undefined) continue
      if (isAlive(holder, own.bootId)) throw folderLocked(folder, holder.pid, own.pid)
      const claim = `${path}.takeover-${holder.nonce}`
      take(folder, claim, own)
      try {
        if (readHolder(path)?.nonce === holder.nonce) {
          fs.renameSync(draft, path)
          return
        }
      } finally {
        fs.unlinkSync(claim)
      }
    }
  } finally {
    fs.rmSync(draft, { force: true })
  }
}

function release(path: string, own: Holder): void {
  // Somebody may have removed the file by hand and another process taken the folder since.
  if (readHolder(path)?.nonce === own.nonce) fs.rmSync(path, { force: true })
}

function linked(draft: string, path: string): boolean {
  try {
    fs.linkSync(draft, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

function readHolder(path: string): Holder | undefined {
  let text: string
  try {
    text = fs.readFileSync(path, 'utf8')
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  const match = holderPattern.exec(text)
  // Not a holder: what a power loss left of one. Nobody alive wrote it.
  if (match === null) return { pid: 0, startedAt: '', bootId: '', nonce: 'unreadable' }
  const [, pid = '', startedAt = '', bootId = '', nonce = ''] = match
  return { pid: Number(pid), startedAt, bootId, nonce }
}

const holderPattern =
  /^\{"pid":(\d+),"startedAt":"(\d*)","bootId":"([\w-]*)","nonce":"([0-9a-f]{16})"\}$/

function isAlive(holder: Holder, ownBootId: string): boolean {
  if (holder.pid === 0) return false
  if (holder.bootId !== ownBootId) return false
  let ofAnotherUser = false
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false
    ofAnotherUser = true
  }
  const startedAt = startOfProcess(holder.pid)
  // The processes of other users may be hidden from /proc.
  return startedAt === undefined ? ofAnotherUser : startedAt === holder.startedAt
}

/**
 * When the process started, from Linux's /proc; '' where there is no /proc, undefined when the process is gone or only
 * waits for its parent to take note of its end.
 */
function startOfProcess(pid: number): string | undefined {
  if (process.platform !== 'linux') return ''
  let stat: string
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return undefined
    throw error
  }
  // The second field is the program's name in parentheses and may hold anything; the third is the state.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = ''] = fields
  return state === 'Z' || state === 'X' ? undefined : (fields[19] ?? '')
}
