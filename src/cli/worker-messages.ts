import { z } from 'zod'
import { errorCodes, type ErrorCode, MillraceError } from '../errors.ts'
import { logLevels } from '../logger.ts'
import { connectionSettings } from './connection-settings.ts'

/**
 * What `millrace run` and its worker processes say to each other. Both are of one release, so there are no versions; the
 * schemas make types of what arrives.
 */
export const toWorkerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    /** Absolute path of the app module. */
    app: z.string(),
    connection: connectionSettings,
    stateFolder: z.string(),
    /** `host:port` to answer at, of the first worker; of each other the port is one higher than that of the one before. */
    applicationServer: z.string().optional(),
    untilEnd: z.boolean(),
    /** Whether it keeps its place in the group when it is stopped, but not for good. */
    stayInGroup: z.boolean(),
    log: z.object({ format: z.literal(['text', 'json']), level: z.literal(logLevels) }),
  }),
  z.object({
    kind: z.literal('stop'),
    /** Whether the worker will not come back, so that its tasks go to others at once, whatever `stayInGroup` says. */
    forGood: z.boolean(),
  }),
])

export type ToWorker = z.infer<typeof toWorkerSchema>
export type WorkerStart = Extract<ToWorker, { kind: 'start' }>

const done = { processed: z.number(), emitted: z.number() }

export const fromWorkerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready') }),
  z.object({ kind: z.literal('running') }),
  /** All input of a bounded run is done, whoever did it. */
  z.object({ kind: z.literal('reachedEnd') }),
  z.object({ kind: z.literal('stopped'), ...done }),
  z.object({
    kind: z.literal('failed'),
    code: z.string().nullable(),
    message: z.string(),
    /** Whether all instances of the application stop because of it, by the word of the handler of uncaught errors. */
    stopsAll: z.boolean(),
  }),
])

export type FromWorker = z.infer<typeof fromWorkerSchema>

/** An error as a message: an operating error is its sentence, for others there is only the trace. */
export function failedMessage(error: unknown, { stopsAll }: { stopsAll: boolean }): FromWorker {
  if (error instanceof MillraceError) {
    const { code, message } = error
    return { kind: 'failed', code, message, stopsAll: stopsAll || code === 'SHUTDOWN_REQUESTED' }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { kind: 'failed', code: null, message, stopsAll }
}

/** The error that a worker told of, as if it had been thrown here. */
export function toldError({ code, message }: { code: string | null; message: string }): Error {
  if (code !== null && isErrorCode(code)) return new MillraceError(code, message)
  return new Error(message)
}

const isErrorCode = (code: string): code is ErrorCode => code in errorCodes
