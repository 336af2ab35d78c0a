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
    log: z.object({ format: z.literal(['text', 'json']), level: z.literal(logLevels) }),
  }),
  z.object({
    kind: z.literal('stop'),
    /** Whether the worker will not come back, so that its tasks go to others at once. */
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
  z.object({ kind: z.literal('failed'), code: z.string().nullable(), message: z.string() }),
])

export type FromWorker = z.infer<typeof fromWorkerSchema>

/** An error as a message: an operating error is its sentence, for others there is only the trace. */
export function failedMessage(error: unknown): FromWorker {
  if (error instanceof MillraceError) {
    return { kind: 'failed', code: error.code, message: error.message }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { kind: 'failed', code: null, message }
}

/** The error that a worker told of, as if it had been thrown here. */
export function toldError({ code, message }: { code: string | null; message: string }): Error {
  if (code !== null && isErrorCode(code)) return new MillraceError(code, message)
  return new Error(message)
}

const isErrorCode = (code: string): code is ErrorCode => code in errorCodes
