import path from 'node:path'

import { ClassicLevel } from 'classic-level'

import { MillraceError } from '../errors.ts'
import type { Files, Timers } from '../platform/platform.ts'
import { LevelFiles } from './level-files.ts'
import type { Entry, KeyRange, StoreDatabase, StoreEngine } from './store-engine.ts'

/**
 * Keeps each database in a LevelDB under `folder`. LevelDB does its own file operations, and under Node it verifies hardly
 * any checksum: `level-files.ts` checks the files before it opens them, and whoever reads a value must check that
 * (`stored-row.ts` does).
 */
export function levelEngine(options: {
  folder: string
  files: Files
  timers: Timers
}): StoreEngine {
  return {
    async open(name) {
      const location = path.join(options.folder, name)
      return openChecked(location, new LevelFiles(location, options))
    },
    async destroy(name) {
      const location = path.join(options.folder, name)
      try {
        await ClassicLevel.destroy(location)
      } catch (error) {
        throw openError(error, location)
      }
      options.files.remove(location)
    },
  }
}

async function openChecked(location: string, files: LevelFiles): Promise<StoreDatabase> {
  const { sealed, damage } = await files.checkSeal()
  const reason = sealed ? damage : await files.checkTables()
  if (reason !== null) throw damaged(location, reason)
  files.removeSeal()
  // Not before: it opens by itself.
  const level: Level = new ClassicLevel(location, levelOptions)
  try {
    await level.open()
  } catch (error) {
    throw openError(error, location)
  }
  return levelDatabase(level, files, sealed)
}

type Level = ClassicLevel<Buffer, Buffer>

/** Read-mostly values of some hundred bytes: LevelDB's own defaults are for small devices. */
const levelOptions = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 32 * 1024 * 1024,
  writeBufferSize: 16 * 1024 * 1024,
  maxFileSize: 8 * 1024 * 1024,
} as const

/** One trip to the thread pool brings this much of a scan; the library's 16 KiB would make a scan mostly trips. */
const scanChunkBytes = 1024 * 1024
const scanChunkEntries = 1000

/** No row has this key: its range is empty, see `sync`. */
const beyondAllKeys = Buffer.alloc(16, 0xff)

function levelDatabase(level: Level, files: LevelFiles, sealed: boolean): StoreDatabase {
  // A database that has failed is not sealed: the next one to open it must look for damage. To come too late is no failure.
  let failed = false
  const fail = (error: unknown): unknown => {
    const told = levelError(error, level.location)
    failed ||= !(told instanceof MillraceError && told.code === 'CLOSED')
    return told
  }
  const guarded = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await promise
    } catch (error) {
      throw fail(error)
    }
  }
  // LevelDB syncs tables and their list, but its log only on request, and then only the current one. Compacting a range in
  // which there is nothing moves what the logs hold into a table and does no other work.
  const sync = (): Promise<void> => guarded(level.compactRange(beyondAllKeys, beyondAllKeys))
  const close = (): Promise<void> => guarded(level.close())
  return {
    sealed,
    get(key) {
      try {
        return level.getSync(key)
      } catch (error) {
        throw fail(error)
      }
    },
    getMany: keys => guarded(level.getMany([...keys])),
    entries: range => scan(level, range, fail),
    write(operations) {
      const batch = level.batch()
      for (const { key, value } of operations) {
        if (value === null) batch.del(key)
        else batch.put(key, value)
      }
      return guarded(batch.write())
    },
    sync,
    async seal() {
      try {
        await sync()
      } finally {
        await close()
      }
      if (!failed) await files.seal()
    },
    close,
  }
}

/**
 * Opens LevelDB's iterator with the first step and not before: nobody can close the iterator of a scan that never begins, and
 * until it is closed LevelDB keeps all that it shows.
 */
async function* scan(
  level: Level,
  range: KeyRange,
  fail: (error: unknown) => unknown,
): AsyncIterable<Entry> {
  try {
    const iterator = level.iterator({
      ...(range.from === undefined ? {} : { gte: range.from }),
      ...(range.to === undefined ? {} : { lt: range.to }),
      reverse: range.reverse ?? false,
      highWaterMarkBytes: scanChunkBytes,
    })
    try {
      for (;;) {
        const entries = await iterator.nextv(scanChunkEntries)
        if (entries.length === 0) return
        yield* entries
      }
    } finally {
      await iterator.close()
    }
  } catch (error) {
    throw fail(error)
  }
}

function openError(error: unknown, location: string): unknown {
  const reason = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (codeOf(reason) === 'LEVEL_LOCKED') {
    return new MillraceError(
      'FOLDER_LOCKED',
      `The state folder ${location} is open in another process. Stop that process, or give this one another state folder.`,
      { cause: error },
    )
  }
  return levelError(reason, location)
}

function levelError(error: unknown, location: string): unknown {
  switch (codeOf(error)) {
    case 'LEVEL_CORRUPTION':
      return damaged(location, messageOf(error), error)
    case 'LEVEL_IO_ERROR':
      // What LevelDB says of a file that is shorter than its list of tables has it, or absent.
      if (/Invalid argument|No such file or directory/.test(messageOf(error))) {
        return damaged(location, messageOf(error), error)
      }
      return new MillraceError(
        'FILE_ERROR',
        `A file operation of the state store in ${location} failed: ${messageOf(error)}. Check the space and permissions there, then start again.`,
        { cause: error },
      )
    case 'LEVEL_DATABASE_NOT_OPEN':
    case 'LEVEL_ITERATOR_NOT_OPEN':
      return new MillraceError('CLOSED', `The state store in ${location} was closed.`, {
        cause: error,
      })
    default:
      return error
  }
}

const damaged = (location: string, reason: string, cause?: unknown): MillraceError =>
  new MillraceError(
    'CORRUPT_DATA',
    `The state store in ${location} is damaged: ${reason}. It can be removed: the changelog restores it.`,
    { cause },
  )

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
