import process from 'node:process'
import { type Logger, type LogLevel, jsonLogger } from '../logger.ts'
import type { Platform } from '../platform/platform.ts'

/** Logs go to standard error, one JSON object a line; standard output is for what the command was asked for. */
export function standardErrorLogger({ clock }: Platform, level: LogLevel = 'info'): Logger {
  return jsonLogger(
    line => process.stderr.write(line),
    () => clock.now(),
    level,
  )
}
