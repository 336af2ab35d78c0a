import path from 'node:path'

import { ClassicLevel } from 'classic-level'

import { MillraceError } from '../errors.ts'
import type { Entry, KeyRange, StoreDatabase, StoreEngine } from './store-engine.ts'

/**
 * Keeps each database in a LevelDB under `folder`. LevelDB does its own file operations, and under Node it verifies no
 * checksum: whoever reads a value must check it (`stored-row.ts` does).
 */
export function levelEngine(folder: string): StoreEngine {
  return {
    async open(name) {
      const location = path.join(folder, name)
      const level = new ClassicLevel<Buffer, Buffer>(location, levelOptions)
      try {
        await level.open()
      } catch (error) {
        throw openError(error, location)
      }
      return levelDatabase(level)
    },
    async destroy(name) {
      await ClassicLevel.destroy(path.join(folder, name))
    },
  }
}

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

function levelDatabase(level: ClassicLevel<Buffer, Buffer>): StoreDatabase {
  const guarded = async <T>(promise: Promise<T>): Promise<T> => {
    try {
      return await promise
    } catch (error) {
      throw levelError(error, level.location)
    }
  }
  return {
    get(key) {
      try {
        return level.getSync(key)
      } catch (error) {
        throw levelError(error, level.location)
      }
    },
    getMany: keys => guarded(level.getMany([...keys])),
    entries: range => scan(level, range),
    write(operations) {
      const batch = level.batch()
      for (const { key, value } of operations) {
        if (value === null) batch.del(key)
        else batch.put(key, value)
      }
      return guarded(batch.write())
    },
    // LevelDB syncs tables and their list, but its log only on request, and then only the current one. Compacting a range
    // in which there is nothing moves what the logs hold into a table and does no other work.
    sync: () => guarded(level.compactRange(beyondAllKeys, beyondAllKeys)),
    close: () => guarded(level.close()),
  }
}

function scan(level: ClassicLevel<Buffer, Buffer>, range: KeyRange): AsyncIterable<Entry> {
  // Made now and not at the first step: the iterator sees the rows as of this call.
  const iterator = level.iterator({
    ...(range.from === undefined ? {} : { gte: range.from }),
    ...(range.to === undefined ? {} : { lt: range.to }),
    reverse: range.reverse ?? false,
    highWaterMarkBytes: scanChunkBytes,
  })
  return (async function* () {
    try {
      for (;;) {
        const entries = await iterator.nextv(scanChunkEntries)
        if (entries.length === 0) return
        yield* entries
      }
    } catch (error) {
      throw levelError(error, level.location)
    } finally {
      await iterator.close()
    }
  })()
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
      return new MillraceError(
        'CORRUPT_DATA',
        `The state store in ${location} is damaged: ${messageOf(error)}. It can be removed: the changelog restores it.`,
        { cause: error },
      )
    case 'LEVEL_IO_ERROR':
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

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
