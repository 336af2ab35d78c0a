import { MillraceError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { StoreDatabase } from './store-engine.ts'
import {
  databaseFormat,
  markerOperation,
  readTaskMetadata,
  type TaskMetadata,
  writeNumberOperation,
} from './task-metadata.ts'
import { TaskState, type TaskStateOptions } from './task-state.ts'

export interface OpenTaskStateOptions extends TaskStateOptions {
  /** `Clock.bootId` of the platform. */
  readonly bootId: string
  readonly logger: Logger
}

/**
 * Opens the stores of a task: one database for all of them. A database that is damaged or incomplete, or that was open when
 * the machine stopped, is wiped; its stores then have no checkpoint and must be restored from the beginning of their
 * changelogs. After an unclean stop of the process alone the database is as of its last commit, or an earlier one, and is
 * kept. Throws FOLDER_LOCKED while another process has it open. Whatever it throws, the database is closed.
 */
export async function openTaskState(options: OpenTaskStateOptions): Promise<TaskState> {
  const { engine, taskId, logger } = options
  const opened = await tryToOpen(options)
  if (opened instanceof TaskState) return opened
  logger.warn({ taskId }, `The stores of task ${taskId} are wiped and restored: ${opened}`)
  await engine.destroy(taskId)
  const again = await tryToOpen(options)
  if (again instanceof TaskState) return again
  throw new MillraceError(
    'CORRUPT_DATA',
    `The database of task ${taskId} is damaged although it is new. Check the disk: ${again}`,
  )
}

/** The stores, or why their database cannot be trusted. */
async function tryToOpen(options: OpenTaskStateOptions): Promise<TaskState | string> {
  const { engine, taskId, bootId } = options
  let database: StoreDatabase | undefined
  try {
    database = await engine.open(taskId)
    const metadata = await readTaskMetadata(database, taskId)
    const reason = distrust(metadata, database.sealed, bootId)
    if (reason === null) return await begin(database, metadata, options)
    await close(database, options)
    return reason
  } catch (error) {
    if (database !== undefined) await close(database, options)
    if (isDamage(error)) return error.message
    throw error
  }
}

/** Marks the database as open from here on. */
async function begin(
  database: StoreDatabase,
  metadata: TaskMetadata,
  options: OpenTaskStateOptions,
): Promise<TaskState> {
  const lastWrite = metadata.lastWrite + 1
  await database.write([markerOperation(options.bootId), writeNumberOperation(lastWrite)])
  const state = new TaskState(options, database, { ...metadata, lastWrite })
  await state.load()
  return state
}

/** Does not fail: there is a reason for closing, and that is what the caller must hear of. */
async function close(
  database: StoreDatabase,
  { taskId, logger }: OpenTaskStateOptions,
): Promise<void> {
  try {
    await database.close()
  } catch (error) {
    logger.warn({ taskId, error }, `The database of task ${taskId} could not be closed`)
  }
}

/** Why a database may hold less than was written to it; null when it may not. */
function distrust(
  { marker, lastWrite, hasGap }: TaskMetadata,
  sealed: boolean,
  bootId: string,
): string | null {
  if (marker === null) return lastWrite === 0 ? null : 'the database has no marker'
  if (marker.format !== databaseFormat) return `the database has format ${marker.format}`
  if (hasGap) return 'some of its writes are missing'
  if (sealed || (bootId !== '' && marker.bootId === bootId)) return null
  return 'the machine stopped while the database was open'
}

const isDamage = (error: unknown): error is MillraceError =>
  error instanceof MillraceError &&
  (error.code === 'CORRUPT_DATA' || error.code === 'TASK_CORRUPTED')
