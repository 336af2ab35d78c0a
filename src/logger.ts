/**
 * Where Millrace reports what happens that is nobody's error to handle: a rebalance, a truncated tail, a dropped
 * record. The shape is pino's, so a pino logger can be passed as it is. Messages are sentences; what varies goes into
 * `fields`, so that logs can be searched.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Discards everything: the default of libraries and tests. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Writes one JSON object a line, as log collectors expect. */
export function jsonLogger(write: (line: string) => void, now: () => number): Logger {
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      write(`${JSON.stringify({ level, time: now(), message, ...fields })}\n`)
  return { debug() {}, info: at('info'), warn: at('warn'), error: at('error') }
}
