import process from 'node:process'
import { type Logger, type LogLevel, jsonLogger, textLogger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'

/**
 * Logs go to standard error, one JSON object a line, or readable where that is a terminal; standard output is for what the
 * command was asked for.
 */
export function standardErrorLogger({ clock }: Platform, level: LogLevel = 'info'): Logger {
  const logger = process.stderr.isTTY ? textLogger : jsonLogger
  return logger(
    line => process.stderr.write(line),
    () => clock.now(),
    level,
  )
}
