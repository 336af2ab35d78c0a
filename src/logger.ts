import { MillraceError } from './errors.ts'

/**
 * Where Millrace reports what happens that is nobody's error to handle: a rebalance, a truncated tail, a dropped
 * record. The shape is pino's, so a pino logger can be passed as it is. Messages are sentences; what varies goes into
 * `fields`, so that logs can be searched.
 */
export interface Logger {
  /**
   * What only helps who looks for a bug.
   */
  debug(fields: object, message: string): void
  /**
   * What happens in good order.
   */
  info(fields: object, message: string): void
  /**
   * What somebody should look at, though work goes on.
   */
  warn(fields: object, message: string): void
  /**
   * What stops work.
   */
  error(fields: object, message: string): void
}

/** Discards everything: the default of libraries and tests. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** How much is logged, the most first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const

/**
 * The least important messages that are logged.
 */
export type LogLevel = (typeof logLevels)[number]

/**
 * Writes one JSON object a line, as log collectors expect: `jsonLogger(line => process.stderr.write(line), Date.now)`.
 * `now` gives the time of each line in milliseconds since the Unix epoch. Messages below `level` are left out.
 *
 * @example
 * ```ts
 * import { jsonLogger } from 'millrace'
 *
 * const lines: string[] = []
 * const logger = jsonLogger(line => lines.push(line), () => 5)
 * logger.debug({}, 'This is not written.')
 * logger.info({ topic: 'in' }, 'The topic was created.')
 * logger.warn({}, 'The disk is nearly full.')
 * logger.error({}, 'The disk is full.')
 * lines.length // → 3
 * lines[0] // → '{"level":"info","time":5,"message":"The topic was created.","topic":"in"}\n'
 * ```
 */
export function jsonLogger(
  write: (line: string) => void,
  now: () => number,
  level: LogLevel = 'info',
): Logger {
  return leveled(level, (itsLevel, fields, message) =>
    write(`${JSON.stringify({ level: itsLevel, time: now(), message, ...fields }, readable)}\n`),
  )
}

/**
 * As `jsonLogger`, for people at a terminal: time of day, level, message, and the fields in JSON.
 *
 * @example
 * ```ts
 * import { textLogger } from 'millrace'
 *
 * const lines: string[] = []
 * textLogger(line => lines.push(line), () => 5).warn({ topic: 'in' }, 'The disk is nearly full.')
 * lines[0] // → '00:00:00.005 warn  The disk is nearly full. {"topic":"in"}\n'
 * ```
 */
export function textLogger(
  write: (line: string) => void,
  now: () => number,
  level: LogLevel = 'info',
): Logger {
  return leveled(level, (itsLevel, fields, message) => {
    const time = new Date(now()).toISOString().slice(11, 23)
    const shown = JSON.stringify(fields, readable)
    write(`${time} ${itsLevel.padEnd(5)} ${message}${shown === '{}' ? '' : ` ${shown}`}\n`)
  })
}

function leveled(
  level: LogLevel,
  log: (itsLevel: LogLevel, fields: object, message: string) => void,
): Logger {
  const at = (itsLevel: LogLevel): Logger[LogLevel] =>
    logLevels.indexOf(itsLevel) < logLevels.indexOf(level)
      ? () => {}
      : (fields, message) => log(itsLevel, fields, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** JSON leaves out what an error says, and refuses bigints. An operating error speaks for itself; others need a trace. */
function readable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  if (!(value instanceof Error)) return value
  const { name, message, cause } = value
  const trace = value instanceof MillraceError ? {} : { stack: value.stack }
  return { ...Object.fromEntries(Object.entries(value)), name, message, ...trace, cause }
}
