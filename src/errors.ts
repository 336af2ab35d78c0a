/**
 * Errors for the person who must act. Every message is a sentence that says what happened, where (topic, partition,
 * offset, store, node name) and what to do. `code` is stable across releases; `retriable` says whether the same call
 * may succeed later without anybody changing anything.
 *
 * A bug in Millrace itself is not one of these: it is a failed `assert`. A failure reported by the peer of a protocol
 * conversation is not one either until it reaches a caller who can act: inside the conversation it is an error code.
 *
 * @example
 * ```ts
 * import { MillraceError, tumbling } from 'millrace'
 *
 * let error: unknown
 * try {
 *   tumbling({ minutes: 0 })
 * } catch (caught) {
 *   error = caught
 * }
 * error instanceof MillraceError && error.code // → 'INVALID_CONFIG'
 * error instanceof MillraceError && error.retriable // → false
 * ```
 */
export class MillraceError extends Error {
  override readonly name: string = 'MillraceError'
  readonly code: ErrorCode
  readonly retriable: boolean

  constructor(code: ErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.code = code
    this.retriable = errorCodes[code].retriable
  }
}

/** Every code an operating error can carry. A code is never renamed and never reused for another meaning. */
export const errorCodes = {
  /** A setting, flag or option has a value that cannot work. */
  INVALID_CONFIG: { retriable: false },
  /** Another process holds the listening port. */
  PORT_IN_USE: { retriable: false },
  /** A living process holds the folder. */
  FOLDER_LOCKED: { retriable: false },
  /** What is on disk is not what was written there. */
  CORRUPT_DATA: { retriable: false },
  /** A file operation failed (no space, no permission, a device error). */
  FILE_ERROR: { retriable: true },
  /** The connection to a peer failed, was closed or did not answer in time. */
  CONNECTION_LOST: { retriable: true },
  /** Bytes from a peer do not follow the protocol. */
  PROTOCOL_ERROR: { retriable: false },
  /** The log answered with an error code; the message names it. */
  LOG_ERROR: { retriable: false },
  /** The same, for a code that the protocol calls retriable. */
  LOG_ERROR_RETRIABLE: { retriable: true },
  /** The brokers do not let this client's principal do that; the message names what to grant. */
  UNAUTHORIZED: { retriable: false },
  /** Another instance of the application failed, and its handler answered that all are to stop. */
  SHUTDOWN_REQUESTED: { retriable: false },
  /** A topic of the application has settings under which it would lose what the application needs. */
  WRONG_TOPIC_CONFIG: { retriable: false },
  /** A topic that the topology reads does not exist. */
  MISSING_TOPIC: { retriable: false },
  /** Topics do not have the partition counts that the topology needs. */
  WRONG_PARTITIONS: { retriable: false },
  /** A law that a test asserts of a topology does not hold: the message has records that show it. */
  LAW_BROKEN: { retriable: false },
  /** A topology cannot be compiled: the message says which node and why. */
  INVALID_TOPOLOGY: { retriable: false },
  /** A module that should export an app is missing, does not load or exports something else, or the app's function threw. */
  INVALID_APP: { retriable: false },
  /** Bytes of a key or value could not be read or written by its serde. */
  SERDE_ERROR: { retriable: false },
  /** A record has a timestamp that is not a safe integer of at least 0. */
  INVALID_TIMESTAMP: { retriable: false },
  /** The user's function threw; `cause` is what it threw. */
  PROCESSING_ERROR: { retriable: false },
  /** A call of a user's function that takes time has not ended in time. */
  CALL_TIMED_OUT: { retriable: true },
  /** A source has no offset to begin at, and says that the application must not choose one. */
  OFFSET_OUT_OF_RANGE: { retriable: false },
  /** Another instance has the tasks, or the transactional id, by now: this one must stop working on them. */
  TASK_MIGRATED: { retriable: true },
  /** A state store is damaged: it is wiped and restored from its changelog. */
  TASK_CORRUPTED: { retriable: true },
  /** No store of that name, or not on this instance. */
  UNKNOWN_STORE: { retriable: false },
  /** The tasks that hold the store are being moved or restored. */
  STORE_NOT_READY: { retriable: true },
  /** A group has members, and what was asked needs one without. */
  GROUP_NOT_EMPTY: { retriable: false },
  /** A worker process ended again and again, or could not stop in good order. */
  WORKER_FAILED: { retriable: false },
  /** A copy of a store is older than the reader takes. */
  TOO_STALE: { retriable: true },
  /** A store has not come as far in its inputs as the reader wants. */
  NOT_UP_TO_BOUND: { retriable: true },
  /** A store has no row under that key. */
  KEY_NOT_FOUND: { retriable: false },
  /** The object was closed before the call. */
  CLOSED: { retriable: false },
} as const satisfies Record<string, { retriable: boolean }>

/**
 * What went wrong, in one word that programs can compare.
 */
export type ErrorCode = keyof typeof errorCodes
